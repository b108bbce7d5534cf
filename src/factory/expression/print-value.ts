import { Float, formatFloat, formatValue, isObject, type Value, type ValueObject } from './value.ts';

/** What the functions of binary values give and take: base64 with the type of its content. */
export function isBinary(value: Value | undefined): value is ValueObject {
  return isObject(value) && typeof value['$content'] === 'string' && typeof value['$content-type'] === 'string';
}

/** The bytes of a binary value. */
export const contentOf = (value: ValueObject): Buffer => Buffer.from(String(value['$content']), 'base64');

/** A value as it prints inside a text. */
export function printValue(value: Value): string {
  if (value === null) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (value instanceof Float) return formatFloat(value.value);
  return isBinary(value) ? contentOf(value).toString('utf8') : formatValue(value);
}
