"""What a team would write itself: endpoints that store a CSV that is posted, by FastAPI and asyncpg. They compare no header, keep
no ledger, and store the same content again. One hands the body to COPY as it is; the other one reads records, as it has to do who
wants to check or change a value."""

import csv
import datetime
import decimal
import io
import os

import asyncpg
from fastapi import FastAPI, Request

app = FastAPI()
# asyncpg sends values of Python in binary.
CONVERTERS = {
    "int4": int, "int8": int, "float8": float, "numeric": decimal.Decimal, "date": datetime.date.fromisoformat,
    "timestamptz": datetime.datetime.fromisoformat, "timestamp": datetime.datetime.fromisoformat,
}


@app.on_event("startup")
async def connect():
    app.state.pool = await asyncpg.create_pool(os.environ["ENDPOINT_DATABASE"], min_size=4, max_size=4)


@app.post("/tables/{table}", status_code=201)
async def load(table: str, request: Request):
    body = io.BytesIO(await request.body())
    async with app.state.pool.acquire() as connection:
        await connection.copy_to_table(table, source=body, format="csv", header=True)
    return {}


@app.post("/records/{table}", status_code=201)
async def load_records(table: str, request: Request):
    records = csv.reader(io.StringIO((await request.body()).decode()))
    columns = next(records)
    async with app.state.pool.acquire() as connection:
        types = dict(await connection.fetch(
            "select a.attname, t.typname from pg_attribute a join pg_type t on t.oid = a.atttypid "
            "where a.attrelid = $1::text::regclass and a.attnum > 0", table))
        converters = [CONVERTERS.get(types[name], str) for name in columns]
        rows = (tuple(None if value == "" else of(value) for of, value in zip(converters, record)) for record in records)
        await connection.copy_records_to_table(table, records=rows, columns=columns)
    return {}
