"""Puts all files of a folder into a bucket, each under its path in the folder: put.py ENDPOINT BUCKET FOLDER

The client is botocore, so that the names are written as AWS's own tools write them. The keys are the environment's."""

import pathlib
import sys

import botocore.config
import botocore.exceptions
import botocore.session

endpoint, bucket, folder = sys.argv[1:]
client = botocore.session.Session().create_client(
    "s3", endpoint_url=endpoint, region_name="us-east-1", config=botocore.config.Config(s3={"addressing_style": "path"}, proxies={}))
try:
    client.create_bucket(Bucket=bucket)
except botocore.exceptions.ClientError as refused:
    if refused.response["Error"]["Code"] not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
        raise
for path in sorted(pathlib.Path(folder).rglob("*")):
    if path.is_file():
        client.put_object(Bucket=bucket, Key=str(path.relative_to(folder)), Body=path.read_bytes())
