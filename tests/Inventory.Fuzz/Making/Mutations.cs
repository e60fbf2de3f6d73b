using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Inventory.Fuzz.Wire;

namespace Inventory.Fuzz.Making;

/// <summary>Changes to a call that is right, one at a time, each in one part of it.</summary>
internal static class Mutations
{
    private static readonly UTF8Encoding Utf8 = new(false, throwOnInvalidBytes: true);
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    private static readonly Action<Draft, Random>[] OfTheBody =
    [
        ReplaceMember, ReplaceMember, ReplaceMember, ReplaceMember, RemoveMember, AddMember, RepeatMember, Nest, Pad,
        Cut, Corrupt, (draft, random) => draft.Body = Bytes(Pick(random, Oddities.Json)),
        (draft, _) => draft.Body = [], (draft, _) => (draft.HasBody, draft.Body) = (false, []),
        (draft, _) => draft.Body = [0xef, 0xbb, 0xbf, .. draft.Body],
        (draft, _) => draft.Body = [.. draft.Body, .. "{}"u8],
        (draft, _) => draft.Body = Encoding.Unicode.GetBytes(Encoding.UTF8.GetString(draft.Body)),
        (draft, random) => draft.Set("Content-Type", Pick(random, Oddities.MediaTypes)),
        (draft, _) => draft.Headers.RemoveAll(line => line.Name == "Content-Type"),
        (draft, random) => draft.Headers.Add(new("Content-Type", Pick(random, Oddities.MediaTypes))),
    ];

    private static readonly Action<Draft, Random>[] OfThePath =
    [
        ReplaceSegment, ReplaceSegment, ReplaceSegment, Encode, Encode,
        (draft, random) => draft.Path += Pick(random, "/", "//", "/.", "/..", ";a=b", "%2F", "%00", "%zz", "%20", "."),
        (draft, _) => draft.Path = "/" + draft.Path,
        (draft, _) => draft.Path = draft.Path.ToUpperInvariant(),
        (draft, _) => draft.Path += new string('a', 5_000),
        (draft, _) => draft.Path = "http://" + Host(draft) + draft.Path,
    ];

    private static readonly Action<Draft, Random>[] OfTheQuery =
    [
        (draft, _) => AddQuery(draft, "unknown=1"),
        (draft, _) => AddQuery(draft, draft.Query),
        (draft, _) => AddQuery(draft, "&&=&=x&%00&%zz=%ff&[]=1"),
        (draft, random) => AddQuery(draft, "q=" + new string('q', Pick(random, 100, 3_000, 5_000))),
        OddParameter, OddParameter, OddParameter,
    ];

    private static readonly Action<Draft, Random>[] OfTheHead =
    [
        AddHeader, AddHeader, AddHeader, AddHeader, AddHeader, AddHeader,
        (draft, random) => draft.Set("Idempotency-Key", Pick(random, Oddities.Keys)),
        (draft, random) => draft.Headers.Add(new("Idempotency-Key", Pick(random, Oddities.Keys))),
        RepeatHeader, RemoveHeader,
        (draft, _) => draft.Headers.AddRange(Enumerable.Range(0, 80).Select(n => new HeaderLine($"X-{n}", "x"))),
        (draft, random) => draft.Set("Host", Pick(random, "evil.test", "localhost", "127.0.0.1:1", "[::1]", "ü")),
        (draft, _) => draft.Version = "HTTP/1.0",
    ];

    private static readonly Action<Draft, Random>[] OfTheFraming =
    [
        (draft, random) => draft.Version = Pick(random, "HTTP/2.0", "HTTP/0.9", "HTTP/1.2", "http/1.1", "TLS/1.1", ""),
        (draft, _) => draft.Headers.RemoveAll(line => line.Name == "Host"),
        (draft, _) => draft.Headers.Add(new("Host", "other.test")),
        (draft, random) => draft.Headers.Add(new("", Pick(random, "no colon", " folded", "Name : x", ": x", "a\0b: x",
            "X: a\u0001b", "X: a\nY: b", "\u00fc: x", "(x): y", "X:\ta\r"))),
        (draft, random) => draft.Set("Content-Length", Pick(random, "-1", "x", "1, 2", "0x10", "99999999999999999999",
            "+5", "1")),
        (draft, _) => draft.Headers.AddRange([new("Content-Length", "3"), new("Content-Length", "4")]),
        (draft, _) => draft.Headers.AddRange([new("Content-Length", "3"), new("Transfer-Encoding", "chunked")]),
        (draft, random) => Chunk(draft, Pick(random, "gzip", "chunked, gzip", "gzip, chunked", "xchunked", " ")),
        (draft, random) =>
        {
            Chunk(draft, "chunked");
            draft.Body = Bytes(Pick(random, "x\r\n", "-1\r\n", "ffffffffffffffff\r\n", "5\r\nab",
                "1\r\nabc\r\n0\r\n\r\n",
                "0\r\nX: \u0001\r\n\r\n", "1;" + new string('e', 9_000) + "\r\na\r\n0\r\n\r\n"));
        },
        (draft, _) => draft.Method = "CONNECT",
        (draft, random) => draft.Path = Pick(random, "*", "x", "", "/a b", "/\0", "http://", "\u00ff", "//", "?x"),
        (draft, random) => draft.Method = Pick(random, "", "G ET", "G\0T", "G\u00fcT", "get"),
    ];

    /// <summary>Changes one part of a call.</summary>
    public static void Change(Draft draft, Random random)
    {
        var parts = random.NextDouble() switch
        {
            < 0.45 when draft.HasBody => OfTheBody,
            < 0.60 => OfThePath,
            < 0.68 => OfTheQuery,
            < 0.93 => OfTheHead,
            < 0.96 => OfTheFraming,
            _ => null,
        };
        if (parts is null) ChangeShape(draft, random);
        else Pick(random, parts)(draft, random);
        // Nothing that was broken as HTTP is mended by a later change.
        if (parts == OfTheFraming) draft.IsHttp = false;
    }

    /// <summary>Another method, or a body where none is, or chunks in place of a length.</summary>
    private static void ChangeShape(Draft draft, Random random)
    {
        if (draft.HasBody && random.Next(2) == 0)
        {
            draft.IsChunked = true;
            return;
        }

        if (random.Next(2) == 0)
        {
            draft.Method = Pick(random, Oddities.Methods);
            if (draft.Method == "CONNECT" || draft.Method.Any(char.IsAsciiLetterLower)) draft.IsHttp = false;
            return;
        }

        draft.HasBody = true;
        draft.Body = Bytes(Pick(random, "{}", " ", "{\"a\":1}", "x", "[]", new string(' ', 70_000)));
        if (random.Next(2) == 0) draft.Set("Content-Type", "application/json");
    }

    private static bool Chunk(Draft draft, string coding)
    {
        draft.Set("Transfer-Encoding", coding);
        return draft.HasBody = true;
    }

    private static void ReplaceMember(Draft draft, Random random)
    {
        const string Mark = "@here@";
        if (Read(draft) is not { } body || Members(body).ToList() is not { Count: > 0 } members) return;
        var (parent, name) = Pick(random, members);
        parent[name] = Mark;
        var piece = random.Next(3) switch
        {
            0 => Pick(random, Oddities.Json),
            1 => Pick(random, Oddities.Numbers),
            _ => JsonSerializer.Serialize(Pick(random, Oddities.Texts)),
        };
        draft.Body = Bytes(body.ToJsonString().Replace($"\"{Mark}\"", piece, StringComparison.Ordinal));
    }

    private static void RemoveMember(Draft draft, Random random)
    {
        if (Read(draft) is not { } body || Members(body).ToList() is not { Count: > 0 } members) return;
        var (parent, name) = Pick(random, members);
        parent.Remove(name);
        draft.Body = Bytes(body.ToJsonString());
    }

    private static void AddMember(Draft draft, Random random)
    {
        if (Read(draft) is not { } body) return;
        body[Pick(random, "unknown", "", "SKU", "__proto__", "$ref", "ü", new string('n', 300))] = 1;
        draft.Body = Bytes(body.ToJsonString());
    }

    private static void RepeatMember(Draft draft, Random random)
    {
        if (Read(draft) is not { Count: > 0 } body) return;
        var name = Pick(random, body.Select(member => member.Key).ToList());
        var member = $"{JsonSerializer.Serialize(name)}:{body[name]?.ToJsonString() ?? "null"},";
        draft.Body = Bytes("{" + member + body.ToJsonString()[1..]);
    }

    private static void Nest(Draft draft, Random random)
    {
        var depth = Pick(random, 10, 63, 64, 65, 1_000, 20_000);
        var (open, close) = random.Next(2) == 0 ? ("[", "]") : ("{\"a\":", "}");
        var text = new StringBuilder();
        for (var i = 0; i < depth; i++) text.Append(open);
        text.Append('1');
        for (var i = 0; i < depth; i++) text.Append(close);
        draft.Body = Bytes(text.ToString());
    }

    private static void Pad(Draft draft, Random random)
    {
        var size = Pick(random, 1_000, 65_536, 65_537, 70_000, 200_000);
        var padding = Bytes(new string(' ', Math.Max(0, size - draft.Body.Length)));
        draft.Body = random.Next(2) == 0 ? [.. padding, .. draft.Body] : [.. draft.Body, .. padding];
    }

    private static void Cut(Draft draft, Random random) =>
        draft.Body = draft.Body[..random.Next(draft.Body.Length + 1)];

    private static void Corrupt(Draft draft, Random random)
    {
        if (draft.Body.Length == 0) return;
        var body = draft.Body.ToArray();
        body[random.Next(body.Length)] = Pick<byte>(random, 0, 0x80, 0xff, (byte)'"', (byte)'\\', (byte)'\n');
        draft.Body = body;
    }

    private static void ReplaceSegment(Draft draft, Random random)
    {
        var parts = draft.Path.Split('/');
        var text = random.Next(3) == 0 ? Pick(random, Oddities.Numbers) : Pick(random, Oddities.Texts);
        parts[^(1 + random.Next(Math.Min(2, parts.Length - 1)))] = Uri.EscapeDataString(text);
        draft.Path = string.Join('/', parts);
    }

    private static void Encode(Draft draft, Random random)
    {
        var at = 1 + random.Next(Math.Max(1, draft.Path.Length - 1));
        if (at >= draft.Path.Length) return;
        var code = ((int)draft.Path[at]).ToString(random.Next(2) == 0 ? "x2" : "X2", CultureInfo.InvariantCulture);
        draft.Path = $"{draft.Path[..at]}%{code}{draft.Path[(at + 1)..]}";
    }

    private static void AddQuery(Draft draft, string text) =>
        draft.Query = draft.Query.Length == 0 ? text : $"{draft.Query}&{text}";

    private static void OddParameter(Draft draft, Random random)
    {
        var names = draft.Meant?.Parameters.Where(one => one.Place == "query").Select(one => one.Name).ToList() ?? [];
        if (names.Count == 0) names.Add("limit");
        var text = random.Next(2) == 0 ? Pick(random, Oddities.Numbers) : Pick(random, Oddities.Texts);
        draft.Query = $"{Pick(random, names)}={Uri.EscapeDataString(text)}";
    }

    private static void AddHeader(Draft draft, Random random)
    {
        var (name, value) = Pick(random, Oddities.Headers);
        // The texts of other headers are Latin-1 on the wire, as a call has them.
        if (name == "Transfer-Encoding") draft.IsHttp = false;
        draft.Set(name, value);
    }

    private static void RepeatHeader(Draft draft, Random random)
    {
        var lines = draft.Headers.Where(line => line.Name != "Host").ToList();
        if (lines.Count > 0) draft.Headers.Add(Pick(random, lines));
    }

    private static void RemoveHeader(Draft draft, Random random)
    {
        var lines = draft.Headers.Where(line => line.Name != "Host").ToList();
        if (lines.Count > 0) draft.Headers.Remove(Pick(random, lines));
    }

    private static JsonObject? Read(Draft draft)
    {
        try
        {
            var body = JsonNode.Parse(Utf8.GetString(draft.Body), documentOptions: Strict) as JsonObject;
            // An escaped half of a character is read when it is written again.
            _ = body?.ToJsonString();
            return body;
        }
        catch (Exception e) when (e is JsonException or DecoderFallbackException or InvalidOperationException)
        {
            // Another change has broken it before.
            return null;
        }
    }

    private static IEnumerable<(JsonObject Parent, string Name)> Members(JsonNode? node) => node switch
    {
        JsonObject members => members.SelectMany(
            member => Members(member.Value).Prepend((members, member.Key))).ToList(),
        JsonArray items => items.SelectMany(Members).ToList(),
        _ => [],
    };

    private static string Host(Draft draft) => draft.Headers.Find(line => line.Name == "Host").Value ?? "localhost";

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static T Pick<T>(Random random, params IReadOnlyList<T> any) => any.Count == 0
        ? default!
        : any[random.Next(any.Count)];
}
