using System.Globalization;
using System.Text.Json.Nodes;
using Inventory.Fuzz.Description;

namespace Inventory.Fuzz.Making;

/// <summary>
/// Values that the product takes, by the name of a member or parameter. The document says of most only that they are
/// texts or numbers, and a random text reaches nothing.
/// </summary>
internal sealed class Words(Random random, Pool pool, int client)
{
    /// <summary>SKUs that all clients share, so that they compete for them.</summary>
    public const int Shared = 6;

    private const int Own = 5;
    private int made;

    /// <summary>A SKU that all clients share.</summary>
    public static string SharedSku(int number) =>
        string.Create(CultureInfo.InvariantCulture, $"fuzz-{number}");

    // Some bodies have two forms, and all of their members together are neither.
    private static readonly Dictionary<string, string[][]> Forms = new()
    {
        ["Reserve"] =
        [
            ["customerId", "items", "ttlSeconds", "reservationId", "onExisting"],
            ["productId", "userId", "quantity", "ttlSeconds", "reservationId", "onExisting"],
        ],
    };

    // These are optional to the document, and needed by the product.
    private static readonly HashSet<string> Needed =
    [
        "customerid", "items", "productid", "userid", "sku", "quantity", "qty", "cartid", "reason", "reference",
        "reservations", "mode", "name", "addseconds", "type", "data", "paymentid", "amount", "currency", "dryrun",
    ];

    /// <summary>A body of an operation, without faults.</summary>
    public JsonObject Body(Operation operation) => (JsonObject)Value(operation, operation.Body!, "")!;

    /// <summary>A value of a schema.</summary>
    /// <param name="operation">The operation that takes it.</param>
    /// <param name="schema">The schema, without references.</param>
    /// <param name="name">The name of the member or parameter.</param>
    public JsonNode? Value(Operation operation, JsonObject schema, string name)
    {
        if (schema["properties"] is JsonObject members) return Object(operation, members, name);
        if (schema["items"] is JsonObject item)
        {
            var count = random.Next(12) == 0 ? random.Next(2, 20) : random.Next(1, 4);
            return new JsonArray([.. Enumerable.Range(0, count).Select(_ => Value(operation, item, name))]);
        }

        var types = schema["type"] switch
        {
            JsonArray several => several.Select(type => (string?)type).ToHashSet(),
            { } one => [(string?)one],
            _ => [],
        };
        var text = Text(operation, name);
        if (types.Contains("integer") || types.Contains("number"))
        {
            return JsonValue.Create(long.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number : 1);
        }

        return types.Contains("boolean") ? random.Next(2) == 0 : text;
    }

    private JsonObject Object(Operation operation, JsonObject members, string name)
    {
        var form = name is "" or "reservations" && (operation.Id is "Reserve" or "ReserveBatch")
            && members.ContainsKey("productId") ? Forms["Reserve"][random.Next(2)] : null;
        var made = new JsonObject();
        foreach (var (member, schema) in members)
        {
            if (form is not null && !form.Contains(member)) continue;
            // Only for a new product; PutProduct adds it there.
            if (operation.Id == "PutProduct" && member == "total") continue;
            if (!Needed.Contains(Pool.NameOf(member)) && random.Next(2) == 0) continue;
            made[member] = Value(operation, (JsonObject)schema!, member);
        }

        return made;
    }

    /// <summary>A text for a member or parameter, also where it is a number.</summary>
    public string Text(Operation operation, string name) => (operation.Id, Pool.NameOf(name)) switch
    {
        ("ShowOrder" or "CancelOrder", "id") => pool.Take("orderid") ?? NewId(),
        ("ShowDeadLetter" or "ReplayDeadLetter", "id") => pool.Take("ListDeadLetters id") ?? "1",
        ("FindReconciliationRun", "id") => pool.Take("RunReconciliation id") ?? "1",
        (_, "id") => pool.Take("reservationid") ?? NewId(),
        ("Reserve" or "ReserveBatch", "reservationid") =>
            random.Next(3) > 0 ? NewId() : pool.Take("reservationid") ?? NewId(),
        (_, "reservationid") => pool.Take("reservationid") ?? NewId(),
        (_, "sku" or "productid") => Sku(),
        (_, "customerid" or "userid") => $"customer-{client}-{random.Next(6)}",
        (_, "cartid") => $"cart-{client}-{random.Next(6)}",
        (_, "quantity" or "qty") => Number(operation.Id == "AdjustStock" ? random.Next(-5, 30) : random.Next(1, 4)),
        (_, "ttlseconds") => Number(random.Next(4) == 0 ? random.Next(1, 4) : random.Next(60, 900)),
        (_, "addseconds") => Number(random.Next(1, 300)),
        (_, "onexisting") => One("replace", "replace", "refuse"),
        (_, "paymentid") => $"pay-{client}-{random.Next(40)}",
        ("AdjustStock", "reason") => One("received", "counted", "returned", "damaged", "lost", "correction"),
        (_, "reason" or "reference" or "name") => $"fuzz {random.Next(1_000)}",
        (_, "mode") => One("on", "off", "automatic", "automatic"),
        (_, "state") => One("open", "all", "resolved"),
        (_, "dryrun") => One("true", "true", "false"),
        (_, "maxpercustomer") => Number(random.Next(1, 8)),
        (_, "total") => Number(random.Next(0, 500)),
        (_, "limit") => Number(random.Next(1, 50)),
        (_, "before") => pool.Take($"{operation.Id} nextbefore") ?? Number(random.Next(1, 1_000)),
        (_, "after") => pool.Take($"{operation.Id} nextafter") ?? Number(random.Next(0, 100)),
        (_, "ticket") => pool.Take("ticket") ?? "AAAAAAAAAAAAAAAAAAAAAA",
        (_, "type") => One("payment.approved", "payment.approved", "payment.failed", "payment.other"),
        (_, "amount") => "1990",
        (_, "currency") => "EUR",
        _ => Oddities.Texts[random.Next(Oddities.Texts.Length)],
    };

    private string Sku() => random.Next(10) switch
    {
        < 6 => SharedSku(random.Next(Shared)),
        < 9 => OwnSku(),
        _ => "no-such-sku",
    };

    /// <summary>A SKU that only this client uses, and may have created.</summary>
    public string OwnSku() =>
        string.Create(CultureInfo.InvariantCulture, $"fuzz-{client}-{random.Next(Own) + (made++ / 200)}");

    private string NewId()
    {
        var bytes = new byte[16];
        random.NextBytes(bytes);
        return new Guid(bytes).ToString("D");
    }

    private string One(params string[] any) => any[random.Next(any.Length)];

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
