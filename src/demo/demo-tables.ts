import { ident, literal, sql, type Sql } from '#sql';

import { words } from './demo-words.ts';
import { choose, type RandomValues } from './random-value.ts';

/** How many rows each kind of table has. */
export type DemoCounts = {
  readonly addresses: number;
  readonly customers: number;
  readonly links: number;
  readonly orders: number;
  readonly lines: number;
};

/** `name type` with `?` for a nullable column, and what its value is in row `i`, counted from 0. */
export type DemoColumn = readonly [column: string, value: Sql, kind?: { readonly identity?: true; readonly computed?: string }];

export type DemoTable = {
  readonly name: string;
  readonly primaryKey: readonly string[];
  readonly rows: (counts: DemoCounts) => number;
  readonly columns: (context: DemoContext) => readonly DemoColumn[];
  /** What the values read besides `i`: a FROM clause with `i` in it. `rows` is the plain one. */
  readonly from?: (context: DemoContext & { readonly rows: Sql }) => Sql;
};

type DemoContext = { readonly random: RandomValues; readonly counts: DemoCounts; readonly database: string };

const firstIds = { product: 680, order: 71_774, line: 110_562 };
const timestamp = (text: string) => sql`CAST(${literal(text)} AS TIMESTAMP)`;
const modified = (random: RandomValues) =>
  sql`${timestamp('2006-07-01')} + INTERVAL 1 DAY * ${random.below('day', 700)} + INTERVAL 10 MILLISECOND * ${random.below('ms', 8_640_000)}`;
const tail = (random: RandomValues): DemoColumn[] => [
  ['rowguid uniqueidentifier', random.guid()],
  ['ModifiedDate datetime', modified(random)],
];
const id = (name: string, first = 1): DemoColumn => [`${name} int`, sql`i + ${literal(first)}`, { identity: true }];
const place = (random: RandomValues, part: number) => sql`split_part(${random.pick('city', words.cities)}, '|', ${literal(part)})`;

/** In the order in which they are made: a table reads only those before it. */
export const demoTables: readonly DemoTable[] = [
  {
    name: 'Address',
    primaryKey: ['AddressID'],
    rows: ({ addresses }) => addresses,
    columns: ({ random }) => [
      id('AddressID'),
      ['AddressLine1 nvarchar(60)', sql`${random.below('number', 999)} + 1 || ' ' || ${random.pick('street', words.streets)}`],
      ['AddressLine2 nvarchar(60)?', random.sometimes('second', 85, sql`'Unit ' || ${random.below('unit', 40)}`)],
      ['City nvarchar(30)', place(random, 1)],
      ['StateProvince nvarchar(50)', place(random, 2)],
      ['CountryRegion nvarchar(50)', place(random, 3)],
      ['PostalCode nvarchar(15)', sql`lpad(CAST(${random.below('post', 100_000)} AS VARCHAR), 5, '0')`],
      ...tail(random),
    ],
  },
  {
    name: 'Customer',
    primaryKey: ['CustomerID'],
    rows: ({ customers }) => customers,
    columns: ({ random }) => [
      id('CustomerID'),
      ['NameStyle bit', sql`false`],
      ['Title nvarchar(8)?', random.sometimes('title', 10, random.pick('title', ['Mr.', 'Ms.', 'Dr.', 'Mx.']))],
      ['FirstName nvarchar(50)', random.pick('first', words.firstNames)],
      ['MiddleName nvarchar(50)?', random.sometimes('middle', 40, random.pick('middle', ['A.', 'J.', 'Lee', 'M.']))],
      ['LastName nvarchar(50)', random.pick('last', words.lastNames)],
      ['Suffix nvarchar(10)?', random.sometimes('suffix', 95, random.pick('suffix', ['Jr.', 'Sr.', 'II']))],
      ['CompanyName nvarchar(128)?', sql`${random.pick('company', words.companies)} || ' ' || ${random.below('shop', 90)}`],
      ['SalesPerson nvarchar(256)?', random.pick('seller', words.sellers)],
      ['EmailAddress nvarchar(50)?', random.sometimes('mail', 3, sql`'customer' || i || '@example.com'`)],
      ['Phone nvarchar(25)?', random.sometimes('phone', 3, sql`'555-01' || lpad(CAST(${random.below('phone', 100)} AS VARCHAR), 2, '0')`)],
      ['PasswordHash varchar(128)', sql`base64(${random.bytes('hash', sql`2`)})`],
      ['PasswordSalt varchar(10)', sql`left(base64(${random.bytes('salt', sql`1`)}), 8)`],
      ['rowguid uniqueidentifier', random.guid()],
      // SQL Server's datetime begins in 1753.
      ['ModifiedDate datetime', sql`CASE WHEN i = 7 THEN ${timestamp('1753-01-01')} ELSE ${modified(random)} END`],
    ],
  },
  {
    name: 'CustomerAddress',
    primaryKey: ['CustomerID', 'AddressID'],
    rows: ({ links }) => links,
    columns: ({ random }) => [
      // Every second customer has an address, and every address at most one customer.
      ['CustomerID int', sql`2 * i + 1`],
      ['AddressID int', sql`i + 1`],
      ['AddressType nvarchar(50)', random.pick('type', ['Main Office', 'Main Office', 'Main Office', 'Shipping'])],
      ...tail(random),
    ],
  },
  {
    name: 'ProductCategory',
    primaryKey: ['ProductCategoryID'],
    rows: () => 41,
    columns: ({ random }) => [
      id('ProductCategoryID'),
      ['ParentProductCategoryID int?', sql`CASE WHEN i >= 4 THEN 1 + ${random.below('parent', 4)} END`],
      [
        'Name nvarchar(50)',
        sql`CASE WHEN i < 4 THEN ${choose(sql`i % 4`, words.parents)} ELSE ${choose(sql`i % 4`, words.kinds)} || ' ' || ${choose(sql`(i - 4) // 4 % 10`, words.things)} END`,
      ],
      ...tail(random),
    ],
  },
  {
    name: 'ProductModel',
    primaryKey: ['ProductModelID'],
    rows: () => 128,
    columns: ({ random }) => [
      id('ProductModelID'),
      ['Name nvarchar(50)', sql`${choose(sql`i % 16`, words.series)} || ' ' || (100 + i)`],
      [
        'CatalogDescription xml?',
        sql`CASE WHEN i % 20 = 3 THEN '<model xml:lang="en"><name>Model ' || i || '</name><summary>' || repeat('Tubes &amp; lugs, brazed by hand. ', 40) || '</summary></model>' END`,
      ],
      ...tail(random),
    ],
  },
  {
    name: 'ProductDescription',
    primaryKey: ['ProductDescriptionID'],
    rows: () => 762,
    columns: ({ random }) => [
      id('ProductDescriptionID'),
      ['Description nvarchar(400)', sql`${choose(sql`i // 127`, words.descriptions)} || CASE WHEN i % 9 = 0 THEN repeat(' …', 100) ELSE '' END`],
      ...tail(random),
    ],
  },
  {
    name: 'ProductModelProductDescription',
    primaryKey: ['ProductModelID', 'ProductDescriptionID', 'Culture'],
    rows: () => 762,
    columns: ({ random }) => [
      ['ProductModelID int', sql`i % 127 + 1`],
      ['ProductDescriptionID int', sql`i + 1`],
      ['Culture nchar(6)', choose(sql`i // 127`, words.cultures)],
      ...tail(random),
    ],
  },
  {
    name: 'Product',
    primaryKey: ['ProductID'],
    rows: () => 295,
    columns: ({ random }) => [
      id('ProductID', firstIds.product),
      ['Name nvarchar(50)', sql`${choose(sql`i % 16`, words.series)} || CASE WHEN i % 11 = 0 THEN ' "Plus" 26'''' ' ELSE ' ' END || (100 + i)`],
      ['ProductNumber nvarchar(25)', sql`'LK-' || lpad(CAST(i AS VARCHAR), 4, '0')`],
      ['Color nvarchar(15)?', random.sometimes('color', 17, random.pick('color', words.colors))],
      ['StandardCost money', sql`CAST(${cost(random)} AS DECIMAL(19,0)) * 0.0001`],
      ['ListPrice money', sql`CAST(${cost(random)} // 100 * 160 AS DECIMAL(19,0)) * 0.0001`],
      ['Size nvarchar(5)?', random.sometimes('size', 28, random.pick('size', words.sizes))],
      ['Weight decimal(8,2)?', random.sometimes('weight', 33, sql`CAST(${random.below('weight', 1_500_000)} + 100 AS DECIMAL(18,0)) * 0.01`)],
      ['ProductCategoryID int?', sql`5 + ${random.below('category', 37)}`],
      ['ProductModelID int?', sql`1 + ${random.below('model', 128)}`],
      ['SellStartDate datetime', sql`CASE WHEN i = 0 THEN ${timestamp('1753-01-01')} ELSE ${timestamp('2002-06-01')} + INTERVAL 1 YEAR * (i % 4) END`],
      // The last moment of SQL Server's datetime stands for "no end".
      ['SellEndDate datetime?', random.sometimes('end', 66, sql`CASE WHEN i % 2 = 0 THEN ${timestamp('9999-12-31 23:59:59.997')} ELSE ${timestamp('2006-05-31')} END`)],
      ['DiscontinuedDate datetime?', sql`CASE WHEN i = 5 THEN ${timestamp('9999-12-31')} END`],
      ['ThumbNailPhoto varbinary(max)?', random.sometimes('photo', 5, sql`from_hex('474946383961') || ${random.bytes('photo', sql`50 + i % 50`)}`)],
      ['ThumbnailPhotoFileName nvarchar(50)?', sql`'bike_' || i % 40 || '_small.gif'`],
      ...tail(random),
    ],
  }, {
    name: 'SalesOrderDetail',
    primaryKey: ['SalesOrderID', 'SalesOrderDetailID'],
    rows: ({ lines }) => lines,
    // 542 lines to 32 orders, as many to an order as a triangle is wide: from one to forty.
    from: ({ random, rows, database }) => sql`(
      SELECT l.*, p.ListPrice, CAST(CASE WHEN l.discount > 0 THEN floor(p.ListPrice * 60) * 100 ELSE p.ListPrice * 5987 END AS BIGINT) AS price
      FROM (
        SELECT i, "order", CAST(1 + ${random.skewed('quantity', 25)} AS BIGINT) AS quantity,
          CASE WHEN ${random.below('discount', 12)} = 0 THEN 5 * (1 + ${random.below('percent', 4)}) ELSE 0 END AS discount,
          ${literal(firstIds.product)} + (${random.below('first', 295, sql`"order"`)} + i * 37) % 295 AS product
        FROM (SELECT i, i // 542 * 32 + ${orderOfLine} AS "order" FROM ${rows})
      ) l JOIN ${ident(database, 'SalesLT', 'Product')} p ON p.ProductID = l.product)`,
    columns: ({ random }) => [
      ['SalesOrderID int', sql`"order" + ${literal(firstIds.order)}`],
      id('SalesOrderDetailID', firstIds.line),
      ['OrderQty smallint', sql`quantity`],
      ['ProductID int', sql`product`],
      ['UnitPrice money', sql`CAST(price AS DECIMAL(18,0)) * 0.0001`],
      ['UnitPriceDiscount money', sql`CAST(discount AS DECIMAL(18,0)) * 0.01`],
      ['LineTotal decimal(38,6)', sql`CAST(price * (100 - discount) * quantity AS DECIMAL(18,0)) * 0.000001`, { computed: 'isnull(UnitPrice*(1.0-UnitPriceDiscount)*OrderQty,0.0)' }],
      ...tail(random),
    ],
  }, {
    name: 'SalesOrderHeader',
    primaryKey: ['SalesOrderID'],
    rows: ({ orders }) => orders,
    from: ({ random, rows, database, counts }) => sql`(
      SELECT o.*, d.subtotal, CAST(d.subtotal * 0.08 AS DECIMAL(19,4)) AS tax, CAST(d.subtotal * 0.025 AS DECIMAL(19,4)) AS freight
      FROM (
        SELECT i, ${random.skewed('customer', counts.links)} AS link, ${random.below('status', 20)} > 0 AS shipped,
          make_timestamp(2005 + ${random.below('year', 4)}, ${choose(random.below('month', 22), '1 2 3 3 4 4 5 5 5 6 6 6 7 7 8 9 10 11 11 12 12 12'.split(' '))}::BIGINT, 1 + ${random.below('day', 28)}, 0, 0, 0) AS ordered
        FROM ${rows}
      ) o JOIN (
        SELECT SalesOrderID AS id, CAST(sum(LineTotal) AS DECIMAL(19,4)) AS subtotal
        FROM ${ident(database, 'SalesLT', 'SalesOrderDetail')} GROUP BY 1
      ) d ON d.id = o.i + ${literal(firstIds.order)} ORDER BY i)`,
    columns: ({ random }) => [
      id('SalesOrderID', firstIds.order),
      ['RevisionNumber tinyint', sql`1 + ${random.below('revision', 3)}`],
      ['OrderDate datetime', sql`ordered`],
      ['DueDate datetime', sql`ordered + INTERVAL 12 DAY`],
      ['ShipDate datetime?', sql`CASE WHEN shipped THEN ordered + INTERVAL 1 DAY * (1 + ${random.below('ship', 10)}) END`],
      ['Status tinyint', sql`CASE WHEN shipped THEN 5 ELSE 1 END`],
      ['OnlineOrderFlag bit', sql`${random.below('online', 3)} = 0`],
      ['SalesOrderNumber nvarchar(25)', sql`'SO' || i + ${literal(firstIds.order)}`, { computed: "isnull(N'SO'+CONVERT(nvarchar(23),SalesOrderID),N'*** ERROR ***')" }],
      ['PurchaseOrderNumber nvarchar(25)?', random.sometimes('purchase', 20, sql`'PO' || ${random.below('purchase', 999_999_999)}`)],
      ['AccountNumber nvarchar(15)?', sql`'10-4020-' || lpad(CAST(link AS VARCHAR), 6, '0')`],
      ['CustomerID int', sql`2 * link + 1`],
      ['ShipToAddressID int?', sql`link + 1`],
      ['BillToAddressID int?', sql`link + 1`],
      ['ShipMethod nvarchar(50)', random.pick('method', words.shipMethods)],
      ['CreditCardApprovalCode varchar(15)?', random.sometimes('card', 50, sql`lpad(CAST(${random.below('card', 999_999)} AS VARCHAR), 6, '0') || 'Vi'`)],
      ['SubTotal money', sql`subtotal`],
      ['TaxAmt money', sql`tax`],
      ['Freight money', sql`freight`],
      ['TotalDue money', sql`subtotal + tax + freight`, { computed: 'isnull(SubTotal+TaxAmt+Freight,0)' }],
      ['Comment nvarchar(max)?', random.sometimes('comment', 90, sql`repeat('Leave it with the neighbour, "no. 5" 📦. ', 1 + ${random.below('long', 300)})`)],
      ...tail(random),
    ],
  },
]; // prettier-ignore

/** What a product costs, in ten-thousandths: a few are dear. */
function cost(random: RandomValues): Sql {
  return sql`(20000 + CAST(${random.skewed('cost', 200_000)} AS BIGINT) * 100 + ${random.below('cents', 100)})`;
}

/** The order of a line among its 32: the first has one line, the second two, and the last takes 46. */
const orderOfLine = sql`least(31, CAST(floor((sqrt(8.0 * (i % 542) + 1) - 1) / 2) AS BIGINT))`;
