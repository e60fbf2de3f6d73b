using Inventory.Fuzz.Description;
using Inventory.Fuzz.Making;

namespace Inventory.Fuzz.Tests;

/// <summary>Calls are made by chance, and again by the same seed.</summary>
public sealed class CallMakerTests
{
    private const string Document =
        """
        {
          "paths": {
            "/things/{id}": {
              "get": {
                "operationId": "ShowThing",
                "parameters": [{ "in": "path", "name": "id", "schema": { "type": "string" } }],
                "responses": { "200": {} }
              },
              "put": {
                "operationId": "PutThing",
                "parameters": [{ "in": "header", "name": "Idempotency-Key", "schema": { "type": "string" } }],
                "requestBody": {
                  "content": {
                    "application/json": {
                      "schema": { "type": "object", "properties": { "quantity": { "type": "integer" } } }
                    }
                  }
                },
                "responses": { "200": {} }
              }
            }
          }
        }
        """;

    [Fact]
    public void The_same_seed_makes_the_same_calls_and_another_makes_others()
    {
        Assert.Equal(Calls(seed: 1, client: 2), Calls(seed: 1, client: 2));
        Assert.NotEqual(Calls(seed: 1, client: 2), Calls(seed: 1, client: 3));
        Assert.NotEqual(Calls(seed: 1, client: 2), Calls(seed: 2, client: 2));
    }

    [Fact]
    public void A_reservation_of_an_earlier_answer_is_asked_for()
    {
        const string Id = "019aa4f0-5d2a-7c31-9a54-0f6d3b2c1e10";
        const string Body = $$"""{"inner":[{"reservation_id":"{{Id}}"}]}""";
        var document = ApiDocument.Parse(Document);
        var maker = Maker(document, seed: 1, client: 1);

        maker.Learn(
            new() { Method = "GET", Target = "/things/x", Headers = [], Meant = document.Operations[0] },
            new()
            {
                Status = 200,
                Headers = [new("Content-Type", "application/json")],
                Body = System.Text.Encoding.UTF8.GetBytes(Body),
            });

        Assert.Contains(Enumerable.Range(0, 20), _ => maker.Next().Target == $"/things/{Id}");
    }

    private static List<string> Calls(int seed, int client)
    {
        var maker = Maker(ApiDocument.Parse(Document), seed, client);
        return [.. Enumerable.Range(0, 500).Select(_ => Convert.ToHexString(maker.Next().ToBytes()))];
    }

    private static CallMaker Maker(ApiDocument document, int seed, int client) =>
        new(document, new("http://localhost:8080"), new(["a key"], [1, 2, 3]), seed, client);
}
