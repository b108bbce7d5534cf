-- The procedure that the pipeline create_views calls for each gold table. Run when the database gold_db opens.
CREATE OR ALTER PROCEDURE dbo.create_serverless_view
    @TableName nvarchar(128)
AS
BEGIN
    DECLARE @statement nvarchar(max) = N'
        CREATE OR ALTER VIEW ' + QUOTENAME(@TableName) + N' AS
        SELECT *
        FROM OPENROWSET(
            BULK ''https://contosobikeslake.dfs.core.windows.net/gold/SalesLT/' + @TableName + N'/'',
            FORMAT = ''DELTA''
        ) AS rows';
    EXEC sp_executesql @statement;
END
GO
