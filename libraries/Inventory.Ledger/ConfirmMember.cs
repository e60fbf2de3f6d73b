using System.Diagnostics;
using Inventory.Contracts;

namespace Inventory.Ledger;

/// <summary>One reservation of a batch, with all callers that wait for its answer.</summary>
internal sealed class ConfirmMember
{
    private readonly TaskCompletionSource<ConfirmAnswer> answer =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly List<ConfirmMember> repeats = [];

    public ConfirmMember(ConfirmRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentException.ThrowIfNullOrEmpty(request.Holder);
        ArgumentOutOfRangeException.ThrowIfZero(request.Pins.Count, nameof(request));
        ArgumentOutOfRangeException.ThrowIfZero(request.Lines.Count, nameof(request));
        foreach (var line in request.Lines)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(line.Quantity, 1, nameof(request));
        }

        Request = request;
        Lines =
        [
            .. request.Lines
                .GroupBy(line => line.Sku, (sku, lines) => new Line(sku, lines.Sum(line => line.Quantity)))
                .OrderBy(line => line.Sku, StringComparer.Ordinal),
        ];
    }

    public ConfirmRequest Request { get; }

    /// <summary>The caller's trace context, if it is recorded.</summary>
    public ActivityContext Trace { get; } = Activity.Current is { Recorded: true } asking ? asking.Context : default;

    /// <summary>Each SKU once, in byte order.</summary>
    public IReadOnlyList<Line> Lines { get; }

    /// <summary>The holder's id without the prefix.</summary>
    public string CustomerId => Request.Holder[(Request.Holder.IndexOf(':', StringComparison.Ordinal) + 1)..];

    public Task<ConfirmAnswer> Answer => answer.Task;

    /// <summary>Lets another call for the same attempt share this one's answer.</summary>
    public bool TryShare(ConfirmMember repeat)
    {
        var same = repeat.Request.Pins.SequenceEqual(Request.Pins) && repeat.Lines.SequenceEqual(Lines)
            && repeat.Request.Holder == Request.Holder;
        if (same) repeats.Add(repeat);
        return same;
    }

    /// <summary>Whether an order has this reservation's holder and lines.</summary>
    public bool Describes(Order order) => order.Holder == Request.Holder
        && order.Items.Select(item => new Line(item.SkuId, item.Quantity)).SequenceEqual(Lines);

    public void Complete(ConfirmAnswer decided)
    {
        answer.SetResult(decided);
        if (decided.Outcome == ConfirmOutcome.Confirmed)
        {
            decided = decided with { Outcome = ConfirmOutcome.AlreadyConfirmed };
        }

        repeats.ForEach(repeat => repeat.Complete(decided));
    }

    public void Fail(Exception failure)
    {
        answer.SetException(failure);
        repeats.ForEach(repeat => repeat.Fail(failure));
    }
}
