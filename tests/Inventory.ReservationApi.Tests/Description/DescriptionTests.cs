using System.Text.Json;
using Inventory.Contracts;
using Microsoft.OpenApi;

namespace Inventory.ReservationApi.Tests.Description;

/// <summary>The API's documentation: its OpenAPI document, its pages, and a page for every problem.</summary>
[Collection(ApiTests.Name)]
public sealed class DescriptionTests(Api api)
{
    public static TheoryData<string> Slugs => [.. Problem.All.Select(type => type.Slug)];

    [Theory]
    [MemberData(nameof(Slugs))]
    public async Task Every_problem_type_is_the_address_of_its_page(string slug)
    {
        var type = Problem.All.Single(type => type.Slug == slug);
        var page = await api.SendAsync("GET", type.Uri);
        Assert.Equal((200, "text/html"), (page.Status, page.MediaType));
        var text = System.Net.WebUtility.HtmlDecode(page.Text);
        Assert.Contains(type.Title, text, StringComparison.Ordinal);
        Assert.Contains(type.Meaning, text, StringComparison.Ordinal);
        Assert.Contains(type.Remedy, text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_index_of_problems_links_to_each()
    {
        var index = await api.SendAsync("GET", "/problems");
        Assert.All(Problem.All, type => Assert.Contains($"href=\"{type.Uri}\"", index.Text, StringComparison.Ordinal));
    }

    [Fact]
    public void The_catalogue_has_every_problem_type_once()
    {
        var declared = typeof(Problem).GetFields().Select(field => field.GetValue(null)).OfType<ProblemType>();
        Assert.Equal(declared.OrderBy(type => type.Slug), Problem.All.OrderBy(type => type.Slug));
        Assert.Equal(Problem.All.Count, Problem.All.DistinctBy(type => type.Slug).Count());
        Assert.All(Problem.All, type => Assert.Matches("^[a-z]+(-[a-z]+)*$", type.Slug));
    }

    [Fact]
    public async Task The_document_is_valid_and_relative()
    {
        var answer = await api.SendAsync("GET", "/openapi/v1.json");
        Assert.Equal(200, answer.Status);
        var read = OpenApiDocument.Parse(answer.Text, "json");
        Assert.Empty(read.Diagnostic!.Errors);
        Assert.Empty(read.Diagnostic.Warnings);
        Assert.Equal(["/"], read.Document!.Servers!.Select(server => server.Url));
    }

    [Fact]
    public async Task The_document_lists_every_endpoint_with_its_answers()
    {
        var document = (await api.SendAsync("GET", "/openapi/v1.json")).Json;
        var operations = (
            from path in document.GetProperty("paths").EnumerateObject()
            from operation in path.Value.EnumerateObject()
            select (Name: $"{operation.Name.ToUpperInvariant()} {path.Name}", operation.Value)).ToDictionary();
        Assert.Equal(
            [
                "DELETE /api/queue/{ticket}", "DELETE /api/reservations/{id}",
                "GET /api/operations/cache",
                "GET /api/operations/dead-letters",
                "GET /api/operations/dead-letters/{id}",
                "GET /api/operations/guard",
                "GET /api/operations/reconciliation",
                "GET /api/operations/reconciliation/runs/{id}",
                "GET /api/operations/redis",
                "GET /api/orders/{id}",
                "GET /api/products/{sku}",
                "GET /api/products/{sku}/movements",
                "GET /api/queue/{ticket}", "GET /api/queue/{ticket}/events",
                "GET /api/reservations/{id}",
                "GET /api/reservations/{id}/order",
                "GET /api/stock/{sku}",
                "GET /api/stock/{sku}/stream",
                "GET /events",
                "GET /snapshot/{sku}",
                "POST /api/operations/dead-letters/replay",
                "POST /api/operations/dead-letters/{id}/replay",
                "POST /api/operations/reconciliation/run",
                "POST /api/orders/{id}/cancel",
                "POST /api/payments/webhook",
                "POST /api/products/{sku}/adjustments",
                "POST /api/products/{sku}/pause",
                "POST /api/products/{sku}/resume",
                "POST /api/reservations",
                "POST /api/reservations/batch",
                "POST /api/reservations/{id}/confirm",
                "POST /api/reservations/{id}/extend",
                "POST /commit",
                "POST /extend",
                "POST /release",
                "POST /reserve",
                "PUT /api/operations/guard/skus/{sku}",
                "PUT /api/products/{sku}",
            ],
            operations.Keys.Order(StringComparer.Ordinal));
        Assert.All(operations.Values, AssertDescribed);
    }

    [Fact]
    public async Task The_rules_of_names_are_described_where_they_are_sent()
    {
        var document = (await api.SendAsync("GET", "/openapi/v1.json")).Json;
        foreach (var path in document.GetProperty("paths").EnumerateObject()
            .Where(path => path.Name.Contains("{sku}", StringComparison.Ordinal)))
        {
            foreach (var operation in path.Value.EnumerateObject())
            {
                var parameter = operation.Value.GetProperty("parameters").EnumerateArray()
                    .Single(one => one.GetProperty("name").GetString() == "sku");
                Assert.Contains(Names.SkuRule, parameter.GetProperty("description").GetString()!);
                AssertRule(parameter.GetProperty("schema"), 64, Names.SkuPattern);
            }
        }

        var schemas = document.GetProperty("components").GetProperty("schemas");
        AssertRule(Property("ReserveForCartRequest", "sku"), 64, Names.SkuPattern);
        AssertRule(Property("ReserveForCartRequest", "cart_id"), 128, Names.HolderIdPattern);
        AssertRule(Property("ReserveRequest", "customerId"), 128, Names.HolderIdPattern);

        JsonElement Property(string schema, string name) =>
            schemas.GetProperty(schema).GetProperty("properties").GetProperty(name);

        static void AssertRule(JsonElement schema, int length, string pattern) => Assert.Equal(
            (length, pattern),
            (schema.GetProperty("maxLength").GetInt32(), schema.GetProperty("pattern").GetString()));
    }

    [Fact]
    public async Task Schemas_have_the_validation_rules()
    {
        var document = (await api.SendAsync("GET", "/openapi/v1.json")).Json;
        var schemas = document.GetProperty("components").GetProperty("schemas");
        var cart = schemas.GetProperty("ReserveForCartRequest");
        Assert.False(cart.GetProperty("additionalProperties").GetBoolean());
        Assert.Equal(["cart_id", "qty", "sku"], Required(cart));
        Assert.Equal("integer", cart.GetProperty("properties").GetProperty("qty").GetProperty("type").GetString());
        var problem = schemas.GetProperty("Problem");
        Assert.Equal(["detail", "status", "title", "type"], Required(problem));
        Assert.True(problem.GetProperty("properties").TryGetProperty("challenge", out _));
        Assert.True(problem.GetProperty("properties").TryGetProperty("reason", out _));
        // Answers leave out what has no value.
        foreach (var (schema, absent) in new[]
        {
            ("ListMovementsResponse", "nextBefore"), ("ListDeadLettersResponse", "nextAfter"),
            ("ReplayDeadLettersResponse", "nextAfter"), ("ReceivePaymentResponse", "orderId"),
            ("ReceivePaymentResponse", "reason"),
        })
        {
            Assert.DoesNotContain(absent, Required(schemas.GetProperty(schema)));
        }

        foreach (var path in new[] { "/api/reservations/{id}/confirm", "/api/payments/webhook" })
        {
            var responses = document.GetProperty("paths").GetProperty(path).GetProperty("post")
                .GetProperty("responses");
            Assert.False(responses.GetProperty("204").TryGetProperty("content", out _));
        }

        static IEnumerable<string?> Required(JsonElement schema) =>
            schema.GetProperty("required").EnumerateArray().Select(name => name.GetString()).Order();
    }

    [Theory]
    [InlineData("get", "/snapshot/{sku}", 400, "malformed-request")]
    [InlineData("get", "/events", 408, "request-timeout")]
    [InlineData("get", "/events", 413, "payload-too-large")]
    [InlineData("get", "/api/orders/{id}", 414, "uri-too-long")]
    [InlineData("post", "/api/products/{sku}/pause", 431, "headers-too-large")]
    [InlineData("post", "/api/reservations/batch", 403, "proof-of-work-required")]
    [InlineData("post", "/api/reservations", 503, "sessions-unavailable")]
    [InlineData("get", "/api/orders/{id}", 503, "temporary-reduced-capacity")]
    [InlineData("get", "/api/queue/{ticket}/events", 503, "too-many-listeners")]
    public async Task The_document_names_what_the_gateway_answers_in_place_of_the_API(
        string method, string path, int status, string slug)
    {
        var document = (await api.SendAsync("GET", "/openapi/v1.json")).Json;

        var answer = document.GetProperty("paths").GetProperty(path).GetProperty(method).GetProperty("responses")
            .GetProperty($"{status}").GetProperty("content").GetProperty("application/problem+json");
        Assert.True(answer.GetProperty("examples").TryGetProperty(slug, out _));
    }

    [Theory]
    [InlineData("/docs")]
    [InlineData("/docs/")]
    [InlineData("/docs/scalar.js")]
    public async Task The_document_can_be_read_and_tried_on_a_page(string path) =>
        Assert.Equal(200, (await api.SendAsync("GET", path)).Status);

    [Fact]
    public async Task The_page_loads_nothing_from_another_host()
    {
        var page = (await api.SendAsync("GET", "/docs/")).Text;

        Assert.DoesNotContain("//", page, StringComparison.Ordinal);
        foreach (var off in new[]
        {
            "\"withDefaultFonts\":false", "\"telemetry\":false", "\"agent\":{\"disabled\":true}",
            "\"mcp\":{\"disabled\":true}",
        })
        {
            Assert.Contains(off, page, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_request_that_the_page_proposes_for_a_first_reservation_has_one_form()
    {
        var document = (await api.SendAsync("GET", "/openapi/v1.json")).Json;
        var request = document.GetProperty("components").GetProperty("schemas").GetProperty("ReserveRequest");

        Assert.Equal(
            ["customerId", "items", "ttlSeconds"],
            request.GetProperty("examples")[0].EnumerateObject().Select(property => property.Name));
    }

    [Theory]
    [InlineData("/health")]
    [InlineData("/alive")]
    public async Task The_API_is_healthy_while_Redis_is_available(string path)
    {
        var answer = await api.SendAsync("GET", path);
        Assert.Equal((200, "Healthy"), (answer.Status, answer.Text));
    }

    private static void AssertDescribed(JsonElement operation)
    {
        Assert.NotEmpty(operation.GetProperty("summary").GetString()!);
        Assert.NotEmpty(operation.GetProperty("description").GetString()!);
        var responses = operation.GetProperty("responses").EnumerateObject().ToList();
        Assert.Contains(responses, response => response.Name.StartsWith('2'));
        Assert.Contains(responses, response => response.Name == "503");
        foreach (var response in responses)
        {
            Assert.NotEmpty(response.Value.GetProperty("description").GetString()!);
            // No content.
            if (response.Name == "204") continue;
            var content = response.Value.GetProperty("content").EnumerateObject().Single();
            var isProblem = !response.Name.StartsWith('2');
            var usual = isProblem ? "application/problem+json" : "application/json";
            Assert.Contains(content.Name, isProblem ? [usual] : new[] { usual, "text/event-stream" });
            var schema = content.Value.GetProperty("schema").GetProperty("$ref").GetString();
            Assert.Equal(isProblem, schema == "#/components/schemas/Problem");
        }
    }
}
