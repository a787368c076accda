"""executemany of Python's drivers, for script/bench: executemany.py URL asyncpg|psycopg CSV

Inserts the records of a CSV (header; narrow's columns) and prints rows, seconds and CPU seconds. The values are made beforehand."""

import asyncio
import csv
import datetime
import sys
import time

SQL = {"asyncpg": "insert into narrow values ($1, $2, $3, $4, $5, $6)", "psycopg": "insert into narrow values (%s, %s, %s, %s, %s, %s)"}


def rows_of(path):
    with open(path, newline="") as file:
        records = csv.reader(file)
        next(records)
        return [(datetime.datetime.fromisoformat(r[0].replace("Z", "+00:00")), int(r[1]), *map(float, r[2:])) for r in records]


async def by_asyncpg(url, rows):
    import asyncpg
    connection = await asyncpg.connect(url)
    began, cpu = time.monotonic(), time.process_time()
    await connection.executemany(SQL["asyncpg"], rows)
    print(len(rows), time.monotonic() - began, time.process_time() - cpu)
    await connection.close()


def by_psycopg(url, rows):
    import psycopg
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        began, cpu = time.monotonic(), time.process_time()
        cursor.executemany(SQL["psycopg"], rows)
        connection.commit()
        print(len(rows), time.monotonic() - began, time.process_time() - cpu)


def main():
    url, driver, path = sys.argv[1:]
    rows = rows_of(path)
    if driver == "asyncpg":
        asyncio.run(by_asyncpg(url, rows))
    else:
        by_psycopg(url, rows)


main()
