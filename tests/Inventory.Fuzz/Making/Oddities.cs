namespace Inventory.Fuzz.Making;

/// <summary>Values at and beyond what an API should take.</summary>
internal static class Oddities
{
    /// <summary>Texts for a path, a query or a string of JSON, before they are coded.</summary>
    public static readonly string[] Texts =
    [
        "", " ", "\t", ".", "..", "../../etc/passwd", "a b", "a/b", "a:b", "%", "%00", "'", "\"", "\\", "' OR 1=1 --",
        "\0", "a\0b", "\u0001", "\u007f", "\r\nSet-Cookie: x=y", "ü", "日本語", "😀", "\u202e", "\ufeff",
        "\ufffd", "ｓｋｕ", "K", "ß",
        "null", "true", "0", "-1", "undefined", "NaN", "{inv:0}:epoch", "${jndi:x}", "<b>x</b>",
        "*", "*/*", "?", "#", "&a=b", "=", ";", ",", "+", "|", "~", "@", new('a', 64), new('a', 65), new('a', 128),
        new('a', 129), new('a', 256), new('a', 257), new('ü', 128), new('9', 400), new('a', 3_000),
        "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "019AA4F0-5D2A-7C31-9A54-0F6D3B2C1E10", "019aa4f05d2a7c319a540f6d3b2c1e10",
        "{019aa4f0-5d2a-7c31-9a54-0f6d3b2c1e10}", " 019aa4f0-5d2a-7c31-9a54-0f6d3b2c1e10",
    ];

    /// <summary>Texts for a number, in a query or as JSON; not all of them are JSON.</summary>
    public static readonly string[] Numbers =
    [
        "0", "1", "-1", "-0", "2", "100", "101", "200", "201", "1000", "3600", "3601", "2147483647", "2147483648",
        "-2147483648", "-2147483649", "4294967296", "9007199254740991", "9007199254740992", "9223372036854775807",
        "9223372036854775808", "-9223372036854775808", "18446744073709551616", "1.0", "1.5", "0.1", "1e0", "1e3",
        "1E400", "-1e400", "1e-400", "00", "01", "+1", "0x10", "1_000", "1,000", "NaN", "Infinity", " 1", "1 ", "١",
        new('9', 400), "1-0", "0-0", "18446744073709551615-18446744073709551615", "99999999999999999999-1",
    ];

    /// <summary>Pieces of JSON in place of any value, some of them broken.</summary>
    public static readonly string[] Json =
    [
        "null", "true", "false", "0", "-1", "1.5", "1e999", "\"\"", "\"x\"", "\"1\"", "[]", "{}", "[[]]", "[null]",
        "{\"a\":1}", "\"\\u0000\"", "\"\\ud800\"", "\"\\udc00x\"", "\"\\u202e\"", "\"\\x\"", "'x'", "NaN", "nul", "",
        "\"unfinished", "[1,]", "{,}", "{\"a\"}", "01", "\"\u0001\"", "// no\n1", "/**/1", "\"😀\"", "-", "1e",
        "2147483648", "9223372036854775808", "\"2026-13-45T25:61:61Z\"", "\"0001-01-01T00:00:00Z\"",
    ];

    /// <summary>Media types of a body.</summary>
    public static readonly string[] MediaTypes =
    [
        "application/json; charset=utf-8", "application/json;charset=\"UTF-8\"", "APPLICATION/JSON",
        "application/json; charset=utf-16", "application/json; charset=latin1", "application/json; charset=",
        "application/json;", "application/json; a=b; a=c", "text/json", "text/plain", "application/xml",
        "application/problem+json", "application/vnd.api+json", "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x", "application/*", "*/*", "json", "", " ", "application/json, text/plain",
        "application/json; charset=utf-8; charset=utf-16", "ü/ü", "application/octet-stream",
    ];

    /// <summary>Headers that a stranger may add.</summary>
    public static readonly (string Name, string Value)[] Headers =
    [
        ("Accept", "text/html"), ("Accept", "application/xml"), ("Accept", "*/*;q=0"), ("Accept", ",,;;=x"),
        ("Accept", "text/event-stream"), ("Accept-Encoding", "gzip, br"), ("Accept-Encoding", "x;q=ü"),
        ("Accept-Language", "xx-yy"), ("Accept-Charset", "utf-7"),
        ("Range", "bytes=0-1"), ("Range", "bytes=9-1"), ("Range", "lines=1"), ("If-Range", "\"x\""),
        ("If-Match", "*"), ("If-Match", "\"x\""), ("If-Match", "W/\"x\""), ("If-Match", "x"),
        ("If-Match", "\"a\",\"b\""),
        ("If-None-Match", "*"), ("If-None-Match", "\"x\""), ("If-None-Match", ",,"),
        ("If-Modified-Since", "yesterday"), ("If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ("Last-Event-ID", "1-100-0-0-0"), ("Last-Event-ID", "x"), ("Last-Event-ID", ""),
        ("Cache-Control", "no-cache"), ("Cache-Control", "max-age=-1"), ("Pragma", "no-cache"),
        ("Prefer", "return=representation"), ("Prefer", "return=minimal"), ("Prefer", "ü"),
        ("Expect", "100-continue"), ("Content-Encoding", "gzip"), ("Content-Encoding", "identity"),
        ("Content-Language", "ü"), ("Content-Range", "bytes 0-1/2"), ("Transfer-Encoding", "gzip"),
        ("Connection", "close"), ("Connection", "X-Api-Key"), ("Connection", "Upgrade"), ("Upgrade", "websocket"),
        ("Upgrade", "h2c"), ("TE", "trailers"), ("Trailer", "X"), ("Via", "1.1 x"), ("Max-Forwards", "0"),
        ("X-HTTP-Method-Override", "DELETE"), ("X-Original-URL", "/api/operations/redis"),
        ("X-Inventory-Shopper", "AAAAAAAAAAAAAAAAAAAAAA"), ("X-Inventory-Units-Taken", "sku-123:1000"),
        ("X-Forwarded-For", "203.0.113.7"), ("X-Forwarded-For", "not an address"), ("X-Forwarded-Host", "evil.test"),
        ("X-Forwarded-Proto", "gopher"), ("Forwarded", "for=203.0.113.7;host=evil.test"),
        ("Origin", "https://evil.test"), ("Referer", "ü"), ("User-Agent", ""), ("Authorization", "Bearer x"),
        ("Authorization", "Basic ="), ("Cookie", "inventory_session=x"), ("Cookie", "=;=;"), ("Cookie", "ü=ü"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), ("traceparent", "ff-x-y-z"),
        ("tracestate", "=,=,"), ("baggage", "a=b,ü=ü"), ("X-Proof-Of-Work", "x"), ("X-Proof-Of-Work", "e30="),
        ("X-Proof-Of-Work", "eyJhbGdvcml0aG0iOiJTSEEtMjU2IiwibnVtYmVyIjoxZTk5OX0="), ("Date", "x"),
        ("webhook-id", "x"), ("webhook-timestamp", "0"), ("webhook-signature", "v1,"), ("X-Empty", ""),
        ("X-Long", new('x', 8_000)), ("X-Long", new('x', 17_000)), ("X-Latin", "\u00ff\u0080"), ("X-Tab", "a\tb"),
    ];

    /// <summary>Values of an Idempotency-Key.</summary>
    public static readonly string[] Keys =
    [
        "", " ", "k", "a key with spaces", new('k', 255), new('k', 256), "tab\tin it", "\u00fc", "\u0080", "{}",
        "\"k\"",
    ];

    /// <summary>Methods beside those of the document.</summary>
    public static readonly string[] Methods =
    [
        "HEAD", "OPTIONS", "TRACE", "PATCH", "PUT", "POST", "GET", "DELETE", "CONNECT", "get", "Post", "head",
        "PROPFIND", "PURGE", "X", "A-METHOD-THAT-IS-MUCH-LONGER-THAN-ANY-THAT-HTTP-HAS",
    ];

    /// <summary>Paths of the product beside the operations, and some that it doesn't have.</summary>
    public static readonly string[] Paths =
    [
        "/", "/docs", "/docs/", "/docs/x.js", "/openapi/v1.json", "/openapi/v2.json", "/openapi/v1.yaml",
        "/problems", "/problems/", "/problems/insufficient-stock", "/problems/none", "/problems/%3Cb%3E",
        "/health", "/alive", "/ready", "/metrics", "/api", "/api/", "/api/none", "/api/reservations/", "/api/session",
        "/api/challenge", "/favicon.ico", "/robots.txt", "/.env", "/.git/config", "/wp-login.php", "//", "//evil.test/",
        "/%2e%2e/%2e%2e/etc/passwd", "/api/../api/stock/x", "/api/%2e%2e/openapi/v1.json", "/api//stock/x",
        "/api/stock/x/", "/API/STOCK/x", "/api/stock/%c0%af", "/api/stock/%ff", "/api/stock/%zz", "/api/stock/%",
        "/api/stock/%00", "/api/stock/a%2Fb", "/api/stock/a;b=c", "/api/stock/\u00ff", "/api/stock/x?\u00ff=\u00ff",
        "/api/stock/x?%00", "/api/stock/x?a=%zz", "/snapshot/", "/snapshot/a/b", "/reserve/", "/events/x",
    ];
}
