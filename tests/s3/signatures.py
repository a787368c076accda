#!/usr/bin/env python3
"""Signatures as botocore (python3-botocore), which is not ours, makes them: what tests/unit/s3_sign_test.cpp compares with.

    signatures.py            compares tests/s3/signatures.json with what botocore says
    signatures.py --write    makes it anew

The keys, tokens and names are made up."""

import json
import pathlib
import random
import sys
import urllib.parse

try:
    import botocore.auth
    import botocore.awsrequest
    import botocore.credentials
except ImportError:  # Debian's packages belong to Debian's Python
    if sys.executable == "/usr/bin/python3":
        raise
    import os

    os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])

FILE = pathlib.Path(__file__).resolve().parent / "signatures.json"
ID, SECRET, TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "token/with+signs=="

OBJECTS = ["a.csv", "a b.csv", " a", "a+b.csv", "a%20b.csv", "100%", "~a~", "a//b", "/a", "//a", "a/", "a/../b", "../a", "./a", "..", ".", "a/./b",
           "a/...", "ä.csv", "a\u0308", "日本/語.csv", "😀", "\u00a0", "a\tb", "a\nb", "a\\b", "a?b", "a#b", "a&b=c", "a=b", "a;b", "a:b", "a@b",
           "a'b", 'a"b', "a(b)", "a[b]", "a{b}", "a|b", "a^b", "a`b", "a<b>", "a,b", "a!b", "a$b", "a*b", "x" * 900]
QUERIES = [[], [("a", "")], [("", "a")], [("b", "2"), ("a", "1")], [("a", "2"), ("a", "1")], [("a", "1"), ("a-b", "0"), ("a.b", "0"), ("A", "2")],
           [("prefix", "a b+c/d~e"), ("list-type", "2"), ("encoding-type", "url"), ("continuation-token", "1/x+y==")],
           [("versionId", "3/L4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY")], [("a", "ä"), ("ä", "a")], [("a", "&=?#%")], [("location", "")]]
HEADERS = [[], [("Range", "bytes=0-8388607"), ("If-Match", '"d41d8cd98f00b204e9800998ecf8427e-12"')],
           [("x-amz-request-payer", "requester")], [("X-Custom", "  a   b  "), ("x-custom", "c")], [("content-type", "text/plain")]]
HOSTS = ["https://bucket.s3.eu-central-1.amazonaws.com", "http://127.0.0.1:9000/bucket", "https://s3.example:443/bucket", "http://s3.example:80",
         "https://s3.example:8443/a.b"]
LETTERS = "abcXYZ019-._~/ +%&=?#:@!$'()*,;[]{}|\\^`\"<>äßñ日😀"


def described(name, url, method="GET", headers=(), body="", token="", region="eu-central-1", service="s3"):
    return {"name": name, "method": method, "url": url, "headers": [list(each) for each in headers], "body": body, "token": token,
            "region": region, "service": service, "time": "20260102T030405Z"}


def encoded(pairs):
    return "&".join(f"{urllib.parse.quote(a, safe='-_.~')}={urllib.parse.quote(b, safe='-_.~')}" for a, b in pairs)


def cases():
    for key in OBJECTS:
        yield described("object", HOSTS[0] + "/" + urllib.parse.quote(key, safe="/~"))
    for query in QUERIES:
        yield described("query", HOSTS[0] + "/?" + encoded(query))
    for headers in HEADERS:
        yield described("headers", HOSTS[0] + "/a", headers=headers, token=TOKEN)
    for host in HOSTS:
        yield described("host", host + "/a.csv", region="us-east-1")
        yield described("bucket", host + "/", region="us-east-1")
    body = encoded([("Action", "AssumeRole"), ("RoleArn", "arn:aws:iam::123456789012:role/a"), ("Version", "2011-06-15")])
    form = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")]
    for path in ["", "/", "//", "/a//b", "/a/../b", "/a%20b", "/./a/", "/a/..", "/..", "/.", "/a/."]:
        yield described("sts", "https://sts.amazonaws.com" + path, "POST", form, body, TOKEN, "us-east-1", "sts")
    drawn = random.Random(19)

    def text(most):
        return "".join(drawn.choice(LETTERS) for _ in range(drawn.randrange(most)))

    for _ in range(80):
        query = [(text(6), text(9)) for _ in range(drawn.randrange(4))]
        url = drawn.choice(HOSTS) + "/" + urllib.parse.quote(text(30), safe="/~") + ("?" + encoded(query) if query else "")
        yield described("drawn", url, headers=drawn.choice(HEADERS), token=drawn.choice(["", TOKEN]))


def signed(case):
    signer = {"s3": botocore.auth.S3SigV4Auth}.get(case["service"], botocore.auth.SigV4Auth)
    signer = signer(botocore.credentials.Credentials(ID, SECRET, case["token"] or None), case["service"], case["region"])
    request = botocore.awsrequest.AWSRequest(case["method"], case["url"], data=case["body"].encode())
    for name, value in case["headers"]:
        request.headers.add_header(name, value)
    request.context["timestamp"] = case["time"]
    signer._modify_request_before_signing(request)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    signer._inject_signature_to_request(request, signer.signature(text, request))
    return {**case, "authorization": request.headers["Authorization"]}


def main():
    found = [signed(case) for case in cases()]
    text = "[\n" + ",\n".join(json.dumps(each) for each in found) + "\n]\n"
    if "--write" in sys.argv:
        FILE.write_text(text, encoding="utf-8")
    elif FILE.read_text(encoding="utf-8") != text:
        sys.exit(f"{FILE} is not what botocore says: tests/s3/signatures.py --write")
    print(f"{len(found)} signatures")


main()
