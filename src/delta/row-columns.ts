/** The id that a row has, whatever file it moved to; of one that is written again, the id that it had before, NULL for a new one. BIGINT. */
export const rowIdColumn = '__lakestead_row_id';
/** The version that last changed a row; of one that is written again, NULL where this commit does. BIGINT. */
export const rowVersionColumn = '__lakestead_row_version';
