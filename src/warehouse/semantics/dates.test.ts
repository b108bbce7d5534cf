import { describe } from 'vitest';

import { openSemantics, testScripts } from '../../../test/support/semantics.ts';

const ask = openSemantics();

// What SQL Server's documentation says of dates.
describe('dates', () => {
  testScripts(ask, 'dates of parts', [
    [
      'come as their type',
      'SELECT DATEFROMPARTS(2024, 2, 29), DATETIMEFROMPARTS(2024, 2, 29, 1, 2, 3, 7), DATETIME2FROMPARTS(2024, 2, 29, 1, 2, 3, 45, 3)',
      ['2024-02-29|2024-02-29 01:02:03.007|2024-02-29 01:02:03.045'],
    ],
    ['of NULL are NULL', 'SELECT DATEFROMPARTS(2024, NULL, 31), DATETIMEFROMPARTS(2024, 2, 30, NULL, 2, 3, 7)', ['NULL|NULL']],
    [
      'that make no date are refused',
      'SELECT DATEFROMPARTS(2026, 2, 30)',
      ['error 289: Cannot construct data type date, some of the arguments have values which are not valid.'],
    ],
    [
      'that make no time are refused',
      'SELECT DATETIMEFROMPARTS(2026, 2, 3, 25, 0, 0, 0)',
      ['error 289: Cannot construct data type datetime, some of the arguments have values which are not valid.'],
    ],
  ]);
});
