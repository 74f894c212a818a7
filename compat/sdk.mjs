// The AWS SDK for JavaScript against a platform: objects, items, identity, a presigned URL.
import { CreateTableCommand, DeleteTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { DynamoDBDocumentClient, GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

const config = {
  endpoint: process.argv[2],
  region: "us-east-1",
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
  maxAttempts: 1,
};

const s3 = new S3Client({ ...config, forcePathStyle: true });
const Bucket = "compat-js";
await s3.send(new CreateBucketCommand({ Bucket }));
await s3.send(new PutObjectCommand({ Bucket, Key: "k", Body: "hello" }));
const object = await (await s3.send(new GetObjectCommand({ Bucket, Key: "k" }))).Body.transformToString();
const url = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: "k" }), { expiresIn: 60 });
const presigned = await (await fetch(url)).text();

const database = new DynamoDBClient(config);
const document = DynamoDBDocumentClient.from(database);
const TableName = "compat-js";
await database.send(
  new CreateTableCommand({
    TableName,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [{ AttributeName: "who", AttributeType: "S" }],
    KeySchema: [{ AttributeName: "who", KeyType: "HASH" }],
  }),
);
await document.send(new PutCommand({ TableName, Item: { who: "js", n: 7 } }));
const { Item: item } = await document.send(new GetCommand({ TableName, Key: { who: "js" } }));
await database.send(new DeleteTableCommand({ TableName }));

const { Account: account } = await new STSClient(config).send(new GetCallerIdentityCommand({}));
console.log(JSON.stringify({ object, item, account, presigned }));
