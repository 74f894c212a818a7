// Lists the caller's notes, newest first, without their texts.
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, QueryCommand } from "@aws-sdk/lib-dynamodb";

const database = DynamoDBDocumentClient.from(new DynamoDBClient({}));

export async function handler(event, context) {
  const owner = context.identity?.cognitoIdentityId;
  if (!owner) throw new Error("notes are listed for a signed-in owner");
  const page = await database.send(
    new QueryCommand({
      TableName: process.env.NOTES_TABLE,
      IndexName: "by-date",
      KeyConditionExpression: "#owner = :owner",
      ExpressionAttributeNames: { "#owner": "owner" },
      ExpressionAttributeValues: { ":owner": owner },
      ScanIndexForward: false,
      Limit: 100,
      ExclusiveStartKey: event.after,
    }),
  );
  const notes = page.Items.map(({ id, title, updated, attachments }) => ({
    id,
    title,
    updated,
    attachments: Object.keys(attachments ?? {}).length,
  }));
  console.log("listed", notes.length);
  return { notes, after: page.LastEvaluatedKey };
}
