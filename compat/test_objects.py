"""S3 with boto3 and the aws command."""

import json

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def bucket(make):
    name = "compat-objects"
    s3 = make("s3")
    s3.create_bucket(Bucket=name)
    yield name
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=name):
        for entry in page.get("Contents", []):
            s3.delete_object(Bucket=name, Key=entry["Key"])
    s3.delete_bucket(Bucket=name)


@pytest.mark.parametrize("key", ["plain", "with space", "a/b//c", "ü/☃", "a+b%2F=&?#", "x" * 1000])
@pytest.mark.parametrize("size", [0, 1, 70_000])
def test_objects_come_back_as_they_went(make, bucket, key, size):
    s3 = make("s3")
    body = bytes(i % 251 for i in range(size))
    put = s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="text/x-test", Metadata={"who": "me"})
    got = s3.get_object(Bucket=bucket, Key=key)
    assert got["Body"].read() == body
    assert got["ETag"] == put["ETag"]
    assert (got["ContentType"], got["Metadata"], got["ContentLength"]) == ("text/x-test", {"who": "me"}, size)
    assert s3.head_object(Bucket=bucket, Key=key)["ETag"] == put["ETag"]


def test_ranges_and_conditions(make, bucket):
    s3 = make("s3")
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")["ETag"]
    part = s3.get_object(Bucket=bucket, Key="k", Range="bytes=2-4")
    assert (part["Body"].read(), part["ContentRange"]) == (b"234", "bytes 2-4/10")
    with pytest.raises(ClientError) as refused:
        s3.get_object(Bucket=bucket, Key="k", IfNoneMatch=etag)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 304
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", IfNoneMatch="*")
    assert refused.value.response["Error"]["Code"] == "PreconditionFailed"


def test_listing_pages_and_folds(make, bucket):
    s3 = make("s3")
    for key in ["a/1", "a/2", "b/1", "c"]:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    folded = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert [p["Prefix"] for p in folded["CommonPrefixes"]] == ["a/", "b/"]
    assert [c["Key"] for c in folded["Contents"]] == ["c"]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 1})
    assert [c["Key"] for page in pages for c in page["Contents"]] == ["a/1", "a/2", "b/1", "c"]


def test_uploads_in_parts(make, bucket):
    s3 = make("s3")
    part = bytes(5 << 20)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="big")["UploadId"]
    tags = [
        s3.upload_part(Bucket=bucket, Key="big", UploadId=upload, PartNumber=n, Body=body)["ETag"]
        for n, body in [(1, part), (2, b"end")]
    ]
    parts = [{"PartNumber": n + 1, "ETag": tag} for n, tag in enumerate(tags)]
    s3.complete_multipart_upload(Bucket=bucket, Key="big", UploadId=upload, MultipartUpload={"Parts": parts})
    got = s3.get_object(Bucket=bucket, Key="big")
    assert got["ETag"].endswith('-2"')
    assert got["Body"].read() == part + b"end"


def test_missing_things_have_their_own_errors(make, bucket):
    s3 = make("s3")
    for call, code in [
        (lambda: s3.get_object(Bucket=bucket, Key="nothing"), "NoSuchKey"),
        (lambda: s3.list_objects_v2(Bucket="compat-no-such-bucket"), "NoSuchBucket"),
        (lambda: s3.get_bucket_website(Bucket=bucket), "NoSuchWebsiteConfiguration"),
        (lambda: s3.get_bucket_policy(Bucket=bucket), "NoSuchBucketPolicy"),
    ]:
        with pytest.raises(ClientError) as refused:
            call()
        assert refused.value.response["Error"]["Code"] == code


def test_the_aws_command_copies_and_lists(aws, tmp_path):
    source = tmp_path / "file.txt"
    source.write_text("hello from a file\n")
    aws("s3", "mb", "s3://compat-cli")
    aws("s3", "cp", source, "s3://compat-cli/folder/file.txt")
    assert "file.txt" in aws("s3", "ls", "s3://compat-cli/folder/")
    back = tmp_path / "back.txt"
    aws("s3", "cp", "s3://compat-cli/folder/file.txt", back)
    assert back.read_text() == source.read_text()
    aws("s3", "rb", "s3://compat-cli", "--force")


def test_presigned_urls_work_without_credentials(dev, make, bucket):
    import urllib.request

    s3 = make("s3")
    s3.put_object(Bucket=bucket, Key="signed", Body=b"for you")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "signed"}, ExpiresIn=60)
    assert urllib.request.urlopen(url).read() == b"for you"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{dev.url}/{bucket}/signed")
    assert refused.value.code == 403


def send(method, url, body=None, headers=None):
    """An answer's status and text; refusals are answers, too."""
    import urllib.error
    import urllib.request

    request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


@pytest.mark.parametrize("version", ["s3", "s3v4"])
@pytest.mark.parametrize("key", ["plain", "with space", "a/b//c", "ü/☃", "a+b%2F=&?#~"])
def test_presigned_urls_of_both_versions_put_and_get(make, bucket, version, key):
    s3, signer = make("s3"), make("s3", signature_version=version)
    where = {"Bucket": bucket, "Key": key}
    put = signer.generate_presigned_url("put_object", Params={**where, "ContentType": "text/x-test", "Metadata": {"who": "me"}})
    headers = {"Content-Type": "text/x-test", "x-amz-meta-who": "me"}
    assert send("PUT", put, b"for you", headers)[0] == 200
    assert s3.head_object(**where)["Metadata"] == {"who": "me"}
    status, text = send("PUT", put, b"for me", {**headers, "x-amz-meta-who": "you"})
    assert (status, "SignatureDoesNotMatch" in text) == (403, True)
    wanted = {**where, "ResponseContentType": "text/x-other", "ResponseContentDisposition": 'attachment; filename="a b"'}
    assert send("GET", signer.generate_presigned_url("get_object", Params=wanted)) == (200, "for you")
    status, text = send("GET", signer.generate_presigned_url("get_object", Params=where) + "&tagging")
    assert (status, "SignatureDoesNotMatch" in text) == (403, True)
    status, text = send("GET", signer.generate_presigned_url("get_object", Params=where, ExpiresIn=-1))
    assert status in (400, 403) and ("Request has expired" in text or "must be non-negative" in text)


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_presigned_urls_of_sessions_and_hosts(dev, make, bucket, version):
    import boto3
    from botocore.config import Config

    session = make("sts").get_session_token()["Credentials"]
    s3 = boto3.client(
        "s3",
        endpoint_url=dev.url,
        region_name="us-east-1",
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
        config=Config(signature_version=version, s3={"addressing_style": "virtual"}),
    )
    make("s3").put_object(Bucket=bucket, Key="a key", Body=b"for you")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a key"})
    assert f"//{bucket}.localhost:" in url
    # Not every resolver knows the names below localhost.
    path = url.split("/", 3)[3]
    host = {"Host": f"{bucket}.localhost:{dev.port}"}
    assert send("GET", f"{dev.url}/{path}", headers=host) == (200, "for you")
    status, text = send("GET", f"{dev.url}/{path}", headers={"Host": f"other-{bucket}.localhost:{dev.port}"})
    assert (status, "SignatureDoesNotMatch" in text) == (403, True)


def test_the_aws_command_presigns(aws, make, bucket):
    make("s3").put_object(Bucket=bucket, Key="a key", Body=b"for you")
    assert send("GET", aws("s3", "presign", f"s3://{bucket}/a key").strip()) == (200, "for you")


def multipart(fields, filename, contents):
    """A form as a browser sends it, and its content type."""
    parts = [f'--limit\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n'.encode() for n, v in fields.items()]
    head = f'--limit\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n\r\n'.encode()
    return b"".join([*parts, head, contents, b"\r\n--limit--\r\n"]), {"Content-Type": "multipart/form-data; boundary=limit"}


@pytest.mark.parametrize("version", [None, "s3", "s3v4"])
@pytest.mark.parametrize("size", [0, 7, 70_000, 3_000_000])
def test_presigned_posts_upload_from_forms(make, bucket, version, size):
    s3, signer = make("s3"), make("s3", signature_version=version)
    fields = {"Content-Type": "text/x-test", "x-amz-meta-who": "me", "success_action_status": "201"}
    conditions = [["starts-with", "$Content-Type", "text/"], {"x-amz-meta-who": "me"}, {"success_action_status": "201"}]
    post = signer.generate_presigned_post(bucket, "in/${filename}", Fields=fields, Conditions=conditions)
    contents = bytes(i % 251 for i in range(size))
    status, text = send("POST", post["url"], *multipart(post["fields"], "my file.txt", contents))
    assert status == 201 and "<Key>in/my file.txt</Key>" in text, text
    got = s3.get_object(Bucket=bucket, Key="in/my file.txt")
    assert got["Body"].read() == contents
    assert (got["ContentType"], got["Metadata"]) == ("text/x-test", {"who": "me"})


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_presigned_posts_refuse_what_was_not_signed(make, bucket, version):
    s3, signer = make("s3"), make("s3", signature_version=version)
    post = signer.generate_presigned_post(bucket, "k", Conditions=[["content-length-range", 1, 100_000]])
    refused = [
        ({"key": "other"}, b"x", 403, "Policy Condition failed"),
        ({"acl": "private"}, b"x", 403, "Extra input fields: acl"),
        ({"policy": post["fields"]["policy"][:-2]}, b"x", 403, "SignatureDoesNotMatch"),
        ({}, b"", 400, "EntityTooSmall"),
        ({}, bytes(100_001), 400, "<ProposedSize>100001</ProposedSize>"),
        ({}, bytes(1_100_000), 400, "<ProposedSize>1100000</ProposedSize>"),
    ]
    for changed, contents, status, text in refused:
        told = send("POST", post["url"], *multipart({**post["fields"], **changed}, "f", contents))
        assert told[0] == status and text in told[1], told
    late = signer.generate_presigned_post(bucket, "k", ExpiresIn=-1)
    status, text = send("POST", late["url"], *multipart(late["fields"], "f", b"x"))
    assert (status, "Policy expired" in text) == (403, True)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_websites_are_public_where_a_policy_says_so(dev, make):
    import urllib.error
    import urllib.request

    s3, name = make("s3"), "compat-website"
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="index.html", Body=b"<h1>home</h1>", ContentType="text/html")
    s3.put_bucket_website(
        Bucket=name,
        WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "index.html"}},
    )
    request = urllib.request.Request(f"{dev.url}/", headers={"Host": f"{name}.s3-website.localhost:{dev.port}"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    assert refused.value.code == 403
    s3.put_public_access_block(
        Bucket=name,
        PublicAccessBlockConfiguration=dict.fromkeys(
            ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"], False
        ),
    )
    everyone = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/*"}
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [everyone]}))
    with urllib.request.urlopen(request) as answer:
        assert (answer.read(), answer.headers["Content-Type"]) == (b"<h1>home</h1>", "text/html")
