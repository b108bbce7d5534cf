export { ident, isSql, join, literal, render, type RenderedSql, sql, type Sql, type SqlValue, unsafeSql } from './tag.ts';
