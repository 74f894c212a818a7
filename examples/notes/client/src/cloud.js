// Everything that the page asks of the cloud, signed with the temporary credentials of the signed-in role.
import { Sha256 } from "@aws-crypto/sha256-js";
import { DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { fromCognitoIdentityPool } from "@aws-sdk/credential-provider-cognito-identity";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import { HttpRequest } from "@smithy/protocol-http";
import { SignatureV4 } from "@smithy/signature-v4";

export class Cloud {
  constructor(config, session) {
    const { Region: region, endpoint } = config;
    const provider = `cognito-idp.${region}.amazonaws.com/${config.UserPoolId}`;
    this.config = config;
    this.credentials = fromCognitoIdentityPool({
      identityPoolId: config.IdentityPoolId,
      logins: { [provider]: session.getIdToken().getJwtToken() },
      clientConfig: { region, endpoint },
    });
    const common = { region, endpoint, credentials: () => this.identity() };
    this.lambda = new LambdaClient(common);
    this.database = new DynamoDBClient(common);
    this.objects = new S3Client({ ...common, forcePathStyle: true });
  }

  // Asked for once, and again shortly before it ends.
  async identity() {
    const soon = Date.now() + 60_000;
    if (!this.current || this.current.expiration?.getTime() < soon) this.current = await this.credentials();
    return this.current;
  }

  async call(name, event) {
    const answer = await this.lambda.send(
      new InvokeCommand({ FunctionName: name, Payload: new TextEncoder().encode(JSON.stringify(event)) }),
    );
    const value = JSON.parse(new TextDecoder().decode(answer.Payload));
    if (answer.FunctionError) throw new Error(value.errorMessage ?? answer.FunctionError);
    if (value?.error) throw new Error(value.error);
    return value;
  }

  async list() {
    return (await this.call(this.config.ListNotesFunction, {})).notes;
  }

  async create(title, text) {
    return (await this.call(this.config.CreateNoteFunction, { title, text })).note;
  }

  async change(id, title, text) {
    return (await this.call(this.config.EditNoteFunction, { id, title, text })).note;
  }

  remove(id) {
    return this.call(this.config.EditNoteFunction, { id, action: "delete" });
  }

  // A note is read straight from the table: the role allows only the caller's own items.
  async read(id) {
    const { identityId } = await this.identity();
    const answer = await this.database.send(
      new GetItemCommand({ TableName: this.config.NotesTable, Key: { owner: { S: identityId }, id: { S: id } } }),
    );
    if (!answer.Item) throw new Error("there is no such note");
    return unmarshall(answer.Item);
  }

  async attach(id, file) {
    const { identityId } = await this.identity();
    const Key = `${identityId}/${id}/${file.name}`;
    const Body = new Uint8Array(await file.arrayBuffer());
    const ContentType = file.type || "application/octet-stream";
    await this.objects.send(new PutObjectCommand({ Bucket: this.config.AttachmentsBucket, Key, Body, ContentType }));
  }

  async download(key) {
    const answer = await this.objects.send(new GetObjectCommand({ Bucket: this.config.AttachmentsBucket, Key: key }));
    return new Blob([await answer.Body.transformToByteArray()], { type: answer.ContentType });
  }

  // A function URL with IAM auth takes an ordinary signed request.
  async preview(markdown) {
    const url = new URL(this.config.PreviewURL);
    const signer = new SignatureV4({
      service: "lambda",
      region: this.config.Region,
      credentials: () => this.identity(),
      sha256: Sha256,
    });
    const request = await signer.sign(
      new HttpRequest({
        method: "POST",
        protocol: url.protocol,
        hostname: url.hostname,
        port: url.port ? Number(url.port) : undefined,
        path: url.pathname,
        headers: { host: url.host, "content-type": "text/markdown" },
        body: markdown,
      }),
    );
    const { host, ...headers } = request.headers;
    const answer = await fetch(url, { method: "POST", headers, body: markdown });
    if (!answer.ok) throw new Error(`the preview answered ${answer.status}`);
    return answer.text();
  }
}
