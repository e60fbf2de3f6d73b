using Inventory.Contracts;
using Inventory.Faults.History;
using Inventory.Stock;

namespace Inventory.Faults.Running;

/// <summary>
/// One seeded client. It reserves, extends, releases, confirms, pays, pays late or twice, retries unanswered calls, and
/// sends conflicting calls at once.
/// </summary>
/// <param name="seed">The seed of its decisions; the timing is not reproducible.</param>
/// <param name="calls">Sends the calls.</param>
/// <param name="shelf">The products.</param>
public sealed class Shopper(int seed, Calls calls, Shelf shelf)
{
    private const int Regulars = 40;
    private const int MostLater = 50;

    /// <summary>Short holds expire before they are paid; long ones outlast the run.</summary>
    private static readonly int[] HoldSeconds = [1, 2, 3, 5, 10, 600];

    private readonly Random random = new(seed);
    private readonly List<(long DueMs, Func<Task> Act)> later = [];
    private int customers;

    /// <summary>Webhooks that were sent twice, late or out of order.</summary>
    public int WebhookFaults { get; private set; }

    /// <summary>Shops until cancelled; a call under way is awaited.</summary>
    public async Task ShopAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var due = later.FindIndex(each => each.DueMs <= Clock.NowMs);
            if (due >= 0)
            {
                var act = later[due].Act;
                later.RemoveAt(due);
                await act();
            }
            else if (later.Count < MostLater)
            {
                await ReserveAsync();
            }

            await Task.Delay(random.Next(1, 40), CancellationToken.None);
        }
    }

    private async Task ReserveAsync()
    {
        var customer = random.Next(2) == 0 ? $"regular-{random.Next(Regulars)}" : $"guest-{seed}-{++customers}";
        var ask = Calls.Ask(Act.Reserve, Guid.NewGuid(), $"u:{customer}") with { Lines = shelf.Pick(random) };
        var ttl = TimeSpan.FromSeconds(HoldSeconds[random.Next(HoldSeconds.Length)]);
        var heard = random.Next(12) == 0
            // A double click.
            ? (await Task.WhenAll(calls.SendAsync(ask, ttl), calls.SendAsync(ask, ttl)))[0]
            : await calls.SendAsync(ask, ttl);
        for (var attempt = 0; attempt < 2 && heard.Heard == Heard.Unknown && random.Next(2) == 0; attempt++)
        {
            await Task.Delay(random.Next(200), CancellationToken.None);
            heard = await calls.SendAsync(ask, ttl);
        }

        // Some clients go on without knowing whether the reservation is held.
        if (heard.Heard == Heard.Done || (heard.Heard == Heard.Unknown && random.Next(4) == 0)) GoOn(heard, ttl);
    }

    private void GoOn(Operation held, TimeSpan ttl)
    {
        switch (random.Next(20))
        {
            case < 4:
                Later(Soon(), () => RepeatAsync(On(held, Act.Confirm)));
                break;
            case < 9:
                Later(Soon(), () => PayAsync(held));
                break;
            case < 11:
                // A late payment: the hold has expired, and its units may be gone.
                WebhookFaults++;
                Later((int)ttl.TotalMilliseconds + random.Next(3_000), () => PayAsync(held));
                break;
            case < 14:
                Later(Soon(), () => RepeatAsync(On(held, Act.Release)));
                break;
            case < 16:
                Later(Soon(), async () =>
                {
                    await RepeatAsync(On(held, Act.Extend), TimeSpan.FromSeconds(random.Next(1, 10)));
                    GoOn(held, ttl);
                });
                break;
            case < 19:
                Later(Soon(), () => RaceAsync(held));
                break;
            default:
                Later(Soon(), () => calls.SendAsync(On(held, Act.Look)));
                break;
        }
    }

    private static Operation On(Operation held, Act act) =>
        Calls.Ask(act, held.Reservation, held.Holder) with { Lines = held.Lines };

    private int Soon() => random.Next(4) == 0 ? random.Next(3_000) : random.Next(100);

    private void Later(int ms, Func<Task> act) => later.Add((Clock.NowMs + ms, act));

    /// <summary>Sends a call, and repeats it with the same key if unanswered, sometimes also if answered.</summary>
    private async Task RepeatAsync(Operation ask, TimeSpan by = default)
    {
        var heard = await calls.SendAsync(ask, by);
        if (heard.Heard == Heard.Unknown || random.Next(10) == 0) await calls.SendAsync(ask, by);
    }

    private Task RaceAsync(Operation held)
    {
        Act[] acts = [Act.Confirm, Act.Release, Act.Pay, Act.Extend];
        var one = acts[random.Next(acts.Length)];
        var other = acts[random.Next(acts.Length)];
        return Task.WhenAll(Once(one), Once(other));

        Task Once(Act act) => act == Act.Pay
            ? PayAsync(held)
            : calls.SendAsync(On(held, act), TimeSpan.FromSeconds(2));
    }

    /// <summary>Acts as the provider: sends a webhook until answered, sometimes twice or after a failure.</summary>
    private async Task PayAsync(Operation held)
    {
        var ask = On(held, Act.Pay) with { Payment = $"pay-{held.Reservation:N}" };
        if (random.Next(10) == 0) ask = ask with { Payment = $"{ask.Payment}-2" };
        if (random.Next(5) == 0)
        {
            WebhookFaults++;
            await calls.TellOfFailureAsync(held.Reservation, ask.Payment!);
        }

        if (random.Next(5) == 0)
        {
            WebhookFaults++;
            await Task.WhenAll(calls.SendAsync(ask), calls.SendAsync(ask with { Key = $"{ask.Key}-again" }));
            return;
        }

        var heard = await calls.SendAsync(ask);
        if (heard.Heard == Heard.Unknown) Later(random.Next(1_000), () => calls.SendAsync(ask));
        else if (random.Next(5) == 0)
        {
            WebhookFaults++;
            Later(random.Next(3_000), () => calls.SendAsync(ask));
        }
    }
}

/// <summary>The products of a run: a few popular ones, a few with a limit, and many others.</summary>
public sealed class Shelf
{
    private const int Hot = 3;
    private const int Limited = 2;
    private const int Others = 10;

    /// <summary>Every SKU with its initial units and its limit per customer.</summary>
    public IReadOnlyList<(string Sku, int Total, int? Limit)> Products { get; } =
    [
        .. Enumerable.Range(0, Hot).Select(at => ($"hot-{at}", 40, (int?)null)),
        .. Enumerable.Range(0, Limited).Select(at => ($"limited-{at}", 200, (int?)3)),
        .. Enumerable.Range(0, Others).Select(at => ($"other-{at}", 300, (int?)null)),
    ];

    /// <summary>A cart of one to three SKUs.</summary>
    public IReadOnlyList<Line> Pick(Random random)
    {
        ArgumentNullException.ThrowIfNull(random);
        var skus = new HashSet<string>();
        for (var wanted = random.Next(4) == 0 ? random.Next(2, 4) : 1; skus.Count < wanted;) skus.Add(One(random));
        return [.. skus.Select(sku => new Line(sku, random.Next(1, 3)))];
    }

    /// <summary>A random SKU; popular ones are chosen most often.</summary>
    public string One(Random random)
    {
        ArgumentNullException.ThrowIfNull(random);
        return random.Next(10) switch
        {
            < 5 => $"hot-{random.Next(Hot)}",
            < 7 => $"limited-{random.Next(Limited)}",
            _ => $"other-{random.Next(Others)}",
        };
    }
}
