using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Inventory.Contracts;
using Inventory.Fuzz.Description;
using Inventory.Fuzz.Wire;
using Inventory.Testing;

namespace Inventory.Fuzz.Making;

/// <summary>Makes the calls of one client from the document, from earlier answers, and by chance.</summary>
internal sealed class CallMaker
{
    private const double Elsewhere = 0.04;
    private const double Changed = 0.4;

    // By how much more or less often than others. An audit waits for its turn, and takes PostgreSQL's time.
    private static readonly Dictionary<string, double> Weights = new()
    {
        ["Reserve"] = 4,
        ["ReserveForCart"] = 3,
        ["ReceivePayment"] = 3,
        ["ConfirmReservation"] = 2,
        ["PutProduct"] = 2,
        ["RunReconciliation"] = 0.04,
        ["ShowReconciliation"] = 0.3,
        ["ReplayDeadLetters"] = 0.1,
        ["ShowRedis"] = 0.3,
        ["StreamStock"] = 0.3,
        ["StreamTicket"] = 0.3,
        ["PauseProduct"] = 0.1,
        ["SwitchGuard"] = 0.5,
    };

    private readonly Uri front;
    private readonly Random random;
    private readonly Pool pool;
    private readonly Words words;
    private readonly Credentials credentials;
    private readonly (Operation Operation, double Until)[] operations;
    private readonly int client;
    private string? key;
    private bool isShopper;
    private bool isOutside;
    private int left;
    private int events;

    /// <param name="document">The document.</param>
    /// <param name="front">The gateway.</param>
    /// <param name="credentials">What callers may have.</param>
    /// <param name="seed">The seed of the run.</param>
    /// <param name="client">The number of this client.</param>
    public CallMaker(ApiDocument document, Uri front, Credentials credentials, int seed, int client)
    {
        (this.front, this.credentials, this.client) = (front, credentials, client);
        random = new(unchecked((seed * 1_000) + client));
        pool = new(random);
        words = new(random, pool, client);
        var sum = 0.0;
        operations =
        [
            .. document.Operations.Select(each => (each, sum += Weights.GetValueOrDefault(each.Id, 1))),
        ];
    }

    /// <summary>The next call.</summary>
    public Call Next()
    {
        if (left-- <= 0) ChangeCaller();
        var draft = isShopper && pool.Take("cookie") is null ? Page("/api/session")
            : random.NextDouble() < Elsewhere ? Page(Oddities.Paths[random.Next(Oddities.Paths.Length)])
            : Of(Any());
        if (random.NextDouble() < Changed)
        {
            for (var changes = random.Next(1, 4); changes > 0; changes--) Mutations.Change(draft, random);
        }

        return draft.ToCall();
    }

    /// <summary>Keeps what an answer names.</summary>
    public void Learn(Call call, Answer answer)
    {
        JsonNode? json = null;
        try
        {
            var isJson = answer.MediaType?.EndsWith("json", StringComparison.Ordinal) == true;
            if (isJson && answer.Body.Length > 0) json = JsonNode.Parse(answer.Body);
        }
        catch (JsonException)
        {
            // The check reports it.
        }

        pool.Learn(call.Meant, call.Target, answer, json);
        if (call.Meant?.Id == "PutProduct" && answer.Status == 412) Forget(call);
        // Solving takes some milliseconds of a core, so only some are solved.
        if (json?["challenge"] is JsonObject challenge && random.Next(4) == 0)
        {
            pool.Add("proof", Puzzle.Of(challenge.ToJsonString()).Solve());
        }

        var isEnded = answer.Status == 204 && call.Target == "/api/session";
        if (isEnded && call.Headers.FirstOrDefault(line => line.Name == "Cookie").Value is { } cookie)
        {
            pool.Remove("cookie", cookie);
        }
    }

    /// <summary>An ETag that is out of date would be refused for ever.</summary>
    private void Forget(Call call)
    {
        if (call.Headers.FirstOrDefault(line => line.Name == "If-Match").Value is { } tag)
        {
            pool.Remove($"etag {call.Target}", tag);
        }
    }

    /// <summary>A caller stays for some calls, as sessions and backends do.</summary>
    private void ChangeCaller()
    {
        left = random.Next(5, 40);
        (key, isShopper, isOutside) = (null, false, false);
        switch (random.Next(20))
        {
            case < 10:
                key = credentials.Keys[0];
                break;
            case < 14:
                key = credentials.Keys[random.Next(credentials.Keys.Count)];
                break;
            case 14:
                key = "inv_wrong_0123456789abcdef0123456789abcdef";
                break;
            case < 17:
                isShopper = true;
                if (random.Next(3) == 0 && pool.Take("cookie") is { } cookie) pool.Remove("cookie", cookie);
                break;
            case 17:
                isOutside = true;
                break;
        }
    }

    private Operation Any()
    {
        var at = random.NextDouble() * operations[^1].Until;
        return operations.First(each => at < each.Until).Operation;
    }

    private Draft Page(string path)
    {
        var parts = path.Split('?', 2);
        var draft = new Draft
        {
            Method = path == "/api/session" && random.Next(20) == 0 ? "DELETE" : "GET",
            Path = parts[0],
            Query = parts.Length > 1 ? parts[1] : "",
        };
        Introduce(draft);
        return draft;
    }

    private Draft Of(Operation operation)
    {
        var path = string.Join('/', operation.Path.Split('/').Select(part => part.StartsWith('{')
            ? Uri.EscapeDataString(words.Text(operation, part.Trim('{', '}')))
            : part));
        var draft = new Draft { Meant = operation, Method = operation.Method, Path = path };
        Introduce(draft);
        foreach (var parameter in operation.Parameters) Add(draft, operation, parameter);
        if (operation.Body is not null)
        {
            var body = words.Body(operation);
            if (operation.Id == "PutProduct") Condition(draft, operation, body);
            draft.HasBody = true;
            draft.Body = Encoding.UTF8.GetBytes(body.ToJsonString());
            draft.Set("Content-Type", "application/json");
        }

        if (operation.Id == "ReceivePayment") draft.Sign = Sign;
        if (operation.Id == "ConfirmReservation" && random.Next(2) == 0) draft.Set("Prefer", "return=representation");
        return draft;
    }

    /// <summary>Adds the headers that say who calls.</summary>
    private void Introduce(Draft draft)
    {
        draft.Headers.Add(new("Host", front.Authority));
        if (key is not null) draft.Headers.Add(new(InventoryHeaders.ApiKey, key));
        if (isOutside) draft.Headers.Add(new("X-Forwarded-For", "203.0.113.9"));
        if (!isShopper || pool.Take("cookie") is not { } cookie) return;
        draft.Headers.Add(new("Cookie", cookie));
        if (pool.Take("proof") is not { } proof) return;
        draft.Headers.Add(new(InventoryHeaders.ProofOfWork, proof));
        if (random.Next(4) > 0) pool.Remove("proof", proof);
    }

    private void Add(Draft draft, Operation operation, Parameter parameter)
    {
        switch (parameter.Place, parameter.Name)
        {
            case ("query", var name) when random.Next(2) == 0 || name == "dryRun":
                var pair = $"{name}={Uri.EscapeDataString(words.Text(operation, name))}";
                draft.Query = draft.Query.Length == 0 ? pair : $"{draft.Query}&{pair}";
                break;
            case ("header", InventoryHeaders.IdempotencyKey) when random.Next(2) == 0:
                var known = random.Next(4) == 0 ? pool.Take("key") : null;
                var text = known ?? string.Create(CultureInfo.InvariantCulture, $"key-{client}-{random.Next()}");
                pool.Add("key", text);
                draft.Set(parameter.Name, text);
                break;
            case ("header", "Last-Event-ID") when random.Next(2) == 0:
                draft.Set(parameter.Name, "1-100-0-0-0");
                break;
            case ("header", "Cache-Control") when random.Next(3) == 0:
                draft.Set(parameter.Name, "no-cache");
                break;
        }
    }

    /// <summary>A product is created, or changed as it was read.</summary>
    private void Condition(Draft draft, Operation operation, JsonObject body)
    {
        if (random.Next(2) == 0 && pool.Take($"etag {draft.Path}") is { } tag)
        {
            draft.Set("If-Match", tag);
            return;
        }

        draft.Path = $"/api/products/{words.OwnSku()}";
        draft.Set("If-None-Match", "*");
        body["total"] = int.Parse(words.Text(operation, "total"), CultureInfo.InvariantCulture);
    }

    private List<HeaderLine> Sign(Draft draft)
    {
        var id = random.Next(6) == 0 ? pool.Take("event") : null;
        id ??= string.Create(CultureInfo.InvariantCulture, $"evt_{client}_{events++}_{random.Next()}");
        pool.Add("event", id);
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        var age = random.Next(40) == 0 ? random.Next(-2_000, 2_000) : 0;
        var at = random.Next(60) == 0
            ? Oddities.Numbers[random.Next(Oddities.Numbers.Length)]
            : (now - age).ToString(CultureInfo.InvariantCulture);
        // Texts of a head are Latin-1 here.
        if (at.Any(letter => letter > 0xff)) at = "x";
        var signed = draft.SignedWith(credentials.WebhookKey, id, at).ToList();
        if (random.Next(30) == 0) signed.RemoveAt(random.Next(signed.Count));
        if (random.Next(30) == 0) signed[^1] = signed[^1] with { Value = $"v2,x v1,= {signed[^1].Value}" };
        if (random.Next(30) == 0) signed[^1] = signed[^1] with { Value = "v1,AAAA" };
        return signed;
    }
}

/// <summary>What callers of the product may have.</summary>
/// <param name="Keys">API keys, the first with every scope.</param>
/// <param name="WebhookKey">The key that signs webhooks.</param>
public sealed record Credentials(IReadOnlyList<string> Keys, byte[] WebhookKey);
