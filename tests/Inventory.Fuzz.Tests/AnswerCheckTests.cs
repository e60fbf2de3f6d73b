using System.Text;
using Inventory.Fuzz.Checking;
using Inventory.Fuzz.Description;
using Inventory.Fuzz.Wire;

namespace Inventory.Fuzz.Tests;

/// <summary>What the check finds in an answer, against a small document.</summary>
public sealed class AnswerCheckTests
{
    private const string Document =
        """
        {
          "paths": {
            "/things/{id}": {
              "get": {
                "operationId": "ShowThing",
                "responses": {
                  "200": {
                    "headers": { "ETag": { "required": true } },
                    "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Thing" } } }
                  },
                  "204": {},
                  "404": {
                    "content": {
                      "application/problem+json": {
                        "schema": { "$ref": "#/components/schemas/Problem" },
                        "examples": { "unknown-sku": { "value": { "type": "/problems/unknown-sku" } } }
                      }
                    }
                  },
                  "503": {
                    "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } }
                  }
                }
              }
            },
            "/things/{id}/events": {
              "get": {
                "operationId": "FollowThing",
                "responses": {
                  "200": {
                    "content": { "text/event-stream": { "schema": { "$ref": "#/components/schemas/Thing" } } }
                  }
                }
              }
            }
          },
          "components": {
            "schemas": {
              "Thing": {
                "type": "object", "required": ["id"],
                "properties": {
                  "id": { "type": "string", "format": "uuid" },
                  "count": { "type": "integer", "format": "int32" },
                  "other": { "oneOf": [{ "type": "null" }, { "$ref": "#/components/schemas/Thing" }] }
                }
              },
              "Problem": {
                "type": "object", "required": ["type", "status"],
                "properties": { "type": { "type": "string" }, "status": { "type": "integer" } }
              }
            }
          }
        }
        """;

    private const string Id = "019aa4f0-5d2a-7c31-9a54-0f6d3b2c1e10";
    private const string Right = $$$"""{"id":"{{{Id}}}","count":1,"other":{"id":"{{{Id}}}"}}""";
    private const string Problem = "application/problem+json";

    private readonly AnswerCheck check = new(ApiDocument.Parse(Document), TimeSpan.FromSeconds(30));

    [Theory]
    // The document allows these.
    [InlineData("GET", 200, "application/json", Right, "")]
    [InlineData("HEAD", 200, "application/json", "", "")]
    [InlineData("GET", 204, null, "", "")]
    [InlineData("GET", 404, Problem, """{"type":"/problems/unknown-sku","status":404}""", "")]
    [InlineData("GET", 503, Problem, """{"type":"/problems/stock-unavailable","status":503}""", "")]
    [InlineData("POST", 405, Problem, """{"type":"/problems/method-not-allowed","status":405}""", "")]
    // And these not.
    [InlineData("GET", 201, "application/json", Right, "ShowThing: 201  is not described")]
    [InlineData("GET", 200, "text/html", Right, "ShowThing: 200 as text/html")]
    [InlineData("GET", 200, "application/json", "{}", "ShowThing: 200 : *id*")]
    [InlineData("GET", 200, "application/json", "{", "ShowThing: 200 with a body that is no JSON")]
    [InlineData("GET", 200, "application/json", """{"id":"x"}""", "ShowThing: 200 /id: *")]
    [InlineData("GET", 200, "application/json", $$"""{"id":"{{Id}}","count":2147483648}""", "ShowThing: 200 /count: *")]
    [InlineData("GET", 200, "application/json", $$"""{"id":"{{Id}}","more":1}""", "ShowThing: 200 /more: *")]
    [InlineData("GET", 200, "application/json", $$$"""{"id":"{{{Id}}}","other":{"more":1}}""",
        "ShowThing: 200 /other*")]
    [InlineData("GET", 204, "application/json", Right, "ShowThing: 204 with a body")]
    [InlineData("GET", 404, Problem, """{"type":"/problems/order-not-found","status":404}""",
        "ShowThing: 404 order-not-found is not described")]
    [InlineData("GET", 404, Problem, """{"type":"/problems/unknown-sku","status":400}""",
        "ShowThing: 404 unknown-sku has status 400")]
    [InlineData("GET", 404, "application/json", """{"type":"/problems/unknown-sku","status":404}""",
        "ShowThing: 404 as application/json")]
    [InlineData("GET", 503, Problem, """{"type":"/problems/no-such-type","status":503}""",
        "ShowThing: 503 has type /problems/no-such-type")]
    [InlineData("GET", 500, Problem, """{"type":"/problems/internal-error","status":500}""",
        "ShowThing: 500 internal-error")]
    [InlineData("POST", 500, Problem, """{"type":"/problems/internal-error","status":500}""",
        "elsewhere: 500 internal-error")]
    [InlineData("POST", 409, Problem, """{"type":"/problems/sku-paused","status":409}""",
        "elsewhere: 409 sku-paused is not described")]
    public void An_answer_is_compared_with_the_document(
        string method, int status, string? media, string body, string expected)
    {
        var faults = check.Check(Call(method, "/things/1"), Answer(status, media, body)).ToList();

        if (expected.Length == 0) Assert.Empty(faults);
        else Assert.Contains(faults, fault => Matches(fault.Kind, expected));
    }

    [Theory]
    [InlineData($"event: thing\ndata: {Right}\n\n: and not finished", true)]
    [InlineData("event: unavailable\ndata: {\"reason\":\"x\"}\n\n", true)]
    [InlineData("event: thing\ndata: {}\n\n", false)]
    public void The_events_of_a_stream_have_the_described_shape(string stream, bool isRight)
    {
        var faults = check.Check(Call("GET", "/things/1/events"), Answer(200, "text/event-stream", stream));

        Assert.Equal(isRight, !faults.Any());
    }

    [Theory]
    [InlineData("ETag", "ShowThing: 200 without ETag")]
    [InlineData("X-Content-Type-Options", "ShowThing: 200 without nosniff")]
    public void A_header_that_is_needed_is_missed(string name, string expected)
    {
        var answer = Answer(200, "application/json", Right);

        var faults = check.Check(Call("GET", "/things/1"), answer with
        {
            Headers = [.. answer.Headers.Where(line => line.Name != name)],
        });

        Assert.Equal([expected], faults.Select(fault => fault.Kind));
    }

    [Fact]
    public void A_header_between_services_is_not_shown()
    {
        var answer = Answer(200, "application/json", Right);

        var faults = check.Check(Call("GET", "/things/1"), answer with
        {
            Headers = [.. answer.Headers, new("X-Inventory-Units-Taken", "sku:1")],
        });

        Assert.Equal(["ShowThing: X-Inventory-Units-Taken is shown to callers"], faults.Select(fault => fault.Kind));
    }

    [Fact]
    public void A_slow_answer_and_a_missing_one_are_faults()
    {
        var slow = Answer(200, "application/json", Right) with { Took = TimeSpan.FromSeconds(31) };
        var none = new Answer { Failure = "the connection ended within the answer" };

        Assert.Equal(
            ["ShowThing: 200 is slow"], check.Check(Call("GET", "/things/1"), slow).Select(fault => fault.Kind));
        Assert.Equal(
            ["ShowThing: no whole answer: the connection ended within the answer"],
            check.Check(Call("GET", "/things/1"), none).Select(fault => fault.Kind));
        Assert.Empty(check.Check(Call("GET", "/things/1") with { IsHttp = false }, none));
    }

    [Theory]
    [InlineData("GET", "/things/a%20b?x", "ShowThing")]
    [InlineData("HEAD", "/THINGS/1", "ShowThing")]
    [InlineData("GET", "http://somewhere/things/1", "ShowThing")]
    [InlineData("GET", "/things/", null)]
    [InlineData("GET", "*", null)]
    [InlineData("PUT", "/things/1", null)]
    public void A_call_reaches_an_operation_by_method_and_path(string method, string target, string? expected) =>
        Assert.Equal(expected, check.Reached(Call(method, target))?.Id);

    [Theory]
    [InlineData("/things/1", "x\0", true, "printf '")]
    [InlineData("/things/1", "it's", true,
        @"curl -sS -i --path-as-is -X 'POST' 'http://localhost:8080/things/1' -H 'User-Agent:' -H 'Accept:' "
        + @"-H 'Content-Type:' -H 'X-A: b' --data-binary $'it\047s'")]
    [InlineData("/things/1", "x", false,
        @"printf 'POST /things/1 HTTP/1.1\015\012Host: localhost:8080\015\012X-A: b\015\012"
        + @"Content-Length: 1\015\012\015\012x' | nc -q 5 localhost 8080")]
    public void A_call_can_be_made_again_in_a_shell(string target, string body, bool isHttp, string begins)
    {
        var call = new Call
        {
            Method = "POST",
            Target = target,
            Headers = [new("Host", "localhost:8080"), new("X-A", "b"), new("Content-Length", "1")],
            Body = Encoding.UTF8.GetBytes(body),
            IsHttp = isHttp,
        };

        Assert.StartsWith(begins, call.ToCommand(new("http://localhost:8080")), StringComparison.Ordinal);
    }

    private static Call Call(string method, string target) => new()
    {
        Method = method,
        Target = target,
        Headers = [new("Host", "localhost")],
    };

    private static Answer Answer(int status, string? media, string body) => new()
    {
        Status = status,
        Body = Encoding.UTF8.GetBytes(body),
        Headers =
        [
            .. media is null ? Array.Empty<HeaderLine>() : [new HeaderLine("Content-Type", media)],
            new("X-Content-Type-Options", "nosniff"), new("ETag", "\"1\""), new("Allow", "GET"),
            new("Retry-After", "1"),
        ],
    };

    /// <summary>A star stands for any text: the words of the library that compares with schemas are its own.</summary>
    private static bool Matches(string kind, string expected)
    {
        var parts = expected.Split('*', 2);
        return parts.Length == 1
            ? kind == expected
            : kind.StartsWith(parts[0], StringComparison.Ordinal)
                && kind.Contains(parts[1].TrimEnd('*'), StringComparison.Ordinal);
    }
}
