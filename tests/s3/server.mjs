// Runs an S3 server of other people on loopback: server.mjs s3rver|fauxqs MODULES PORT FOLDER
// s3rver takes one pair of keys, and fauxqs any.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [name, modules, port, folder] = process.argv.slice(2);
const address = "127.0.0.1";

if (name === "s3rver") {
  const require = createRequire(`${modules}/`);
  const { DUMMY_ACCOUNT } = require("@20minutes/s3rver/lib/models/account.js");
  DUMMY_ACCOUNT.createKeyPair(process.env.AWS_ACCESS_KEY_ID, process.env.AWS_SECRET_ACCESS_KEY);
  const S3rver = require("@20minutes/s3rver");
  await new S3rver({ address, port: Number(port), directory: folder, silent: true, vhostBuckets: false }).run();
} else {
  const { buildApp } = await import(pathToFileURL(`${modules}/fauxqs/dist/app.js`));
  await buildApp({ logger: false }).listen({ port: Number(port), host: address });
}
