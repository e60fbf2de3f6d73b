using Inventory.Contracts;
using Inventory.Faults.History;
using Inventory.Faults.Laws;
using Inventory.Stock;

namespace Inventory.Faults.Tests;

/// <summary>A constructed history: reservations of one unit each, a second apart, of a SKU with ten units.</summary>
public sealed class Timeline
{
    public const string Sku = "thing";
    private const long Start = 1_800_000_000_000;
    private const int Initial = 10;
    private static readonly Line[] One = [new(Sku, 1)];

    private readonly Dictionary<Guid, List<EventFact>> events = [];
    private readonly Dictionary<Guid, OrderFact> orders = [];
    private long number;

    public List<Operation> Operations { get; } = [];

    public List<PaymentFact> Payments { get; } = [];

    public List<RefundFact> Refunds { get; } = [];

    public List<MovementFact> Movements { get; } = [];

    public List<Wipe> Wipes { get; } = [];

    public int? Limit { get; init; }

    /// <summary>The current time of the history; each call moves it by a second.</summary>
    public long NowMs { get; private set; } = Start;

    /// <summary>Adds a call; its answer follows from the outcome.</summary>
    public Operation Call(Guid id, Act act, Heard heard = Heard.Done)
    {
        NowMs += 1_000;
        var operation = new Operation
        {
            Number = ++number,
            Act = act,
            Reservation = id,
            Holder = $"u:{id:N}",
            Lines = One,
            Key = $"key-{number}",
            Payment = act == Act.Pay ? $"pay-{id}" : null,
            BegunMs = NowMs - 10,
            EndedMs = NowMs + 10,
            Heard = heard,
            Status = act == Act.Reserve && heard == Heard.Done ? 201 : 200,
            Body = "{}",
        };
        Operations.Add(operation);
        return operation;
    }

    /// <summary>Changes the last call.</summary>
    public void Say(Func<Operation, Operation> change) => Operations[^1] = change(Operations[^1]);

    /// <summary>Adds an event at the current time.</summary>
    public EventFact Event(Guid id, string type, long? deadlineMs = null, Line[]? lines = null)
    {
        if (!events.TryGetValue(id, out var own)) events[id] = own = [];
        var before = own.LastOrDefault();
        var next = new EventFact(
            id, own.Count + 1, type, $"u:{id:N}", deadlineMs ?? before?.DeadlineMs ?? NowMs + 60_000, lines ?? One,
            $"{NowMs}-{own.Count}", NowMs);
        own.Add(next);
        return next;
    }

    /// <summary>Adds a call and its event.</summary>
    public EventFact Do(Guid id, Act act)
    {
        Call(id, act);
        var type = act switch { Act.Reserve => "reserved", Act.Extend => "extended", _ => "released" };
        var done = Event(id, type, act == Act.Extend ? NowMs + 90_000 : null);
        Say(told => told with { DeadlineMs = done.DeadlineMs });
        return done;
    }

    /// <summary>Adds an order at the current time, and its event.</summary>
    public OrderFact Order(Guid id, string? payment = null)
    {
        Event(id, "confirmed");
        return orders[id] = new(id, $"u:{id:N}", payment, NowMs, One);
    }

    /// <summary>Moves the time past a hold's deadline and expires it.</summary>
    public EventFact Expire(Guid id)
    {
        NowMs = events[id][^1].DeadlineMs + 5;
        return Event(id, "expired");
    }

    /// <summary>Adds a payment with its outcome, and the order or refund that follows.</summary>
    public void Pay(Guid id, string outcome)
    {
        var told = Call(id, Act.Pay);
        Say(call => call with { State = outcome });
        Payments.Add(new(told.Key!, id, told.Payment!, outcome));
        if (outcome == "revived") Event(id, "revived");
        if (outcome == "refund-required") Refunds.Add(new(id, told.Payment!, "hold-expired"));
        else Order(id, told.Payment);
    }

    /// <summary>The evidence, with stores that agree with the events except for a test's change.</summary>
    public Evidence End(Func<Facts, Facts>? change = null)
    {
        var rows = events.Values.Select(own => new HoldFact(
            own[^1].Reservation, ReservationLaws.StatusOf(own[^1]), own[^1].Holder, own[^1].DeadlineMs,
            own[^1].Lines)).ToList();
        var held = rows.Where(row => row.Status == "pending").ToList();
        var total = Initial + Movements.Sum(each => each.Quantity) - orders.Count;
        var units = held.Select(hold => new UnitsFact(hold.Holder, Sku, 0, 1))
            .Concat(orders.Values.Select(order => new UnitsFact(order.Holder, Sku, 1, 0)));
        var reserved = held.Sum(hold => hold.Lines.Sum(line => line.Quantity));
        var facts = new Facts
        {
            Stock = [new(Sku, Initial, total, 7, total, 7, reserved, Limit)],
            Events = [.. events.Values.SelectMany(own => own)],
            Rows = rows,
            Holds = held,
            Orders = [.. orders.Values],
            Payments = Payments,
            Refunds = Refunds,
            Movements = Movements,
            Units = [.. units],
        };
        return new()
        {
            Operations = Operations,
            Facts = change is null ? facts : change(facts),
            Wipes = Wipes,
        };
    }

    /// <summary>Removes an event, as if it had never been stored.</summary>
    public void Forget(Guid id, int sequence)
    {
        events[id].RemoveAll(each => each.Sequence == sequence);
        if (events[id].Count == 0) events.Remove(id);
    }
}
