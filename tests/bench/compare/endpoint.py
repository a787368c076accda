"""What a team would write itself: an endpoint that stores a CSV that is posted, by FastAPI and asyncpg. It hands the body to
COPY as it is; it compares no header, keeps no ledger, and stores the same content again."""

import io
import os

import asyncpg
from fastapi import FastAPI, Request

app = FastAPI()


@app.on_event("startup")
async def connect():
    app.state.pool = await asyncpg.create_pool(os.environ["ENDPOINT_DATABASE"], min_size=4, max_size=4)


@app.post("/tables/{table}", status_code=201)
async def load(table: str, request: Request):
    body = io.BytesIO(await request.body())
    async with app.state.pool.acquire() as connection:
        await connection.copy_to_table(table, source=body, format="csv", header=True)
    return {}
