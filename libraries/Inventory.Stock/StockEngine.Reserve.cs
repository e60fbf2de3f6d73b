using System.Diagnostics;
using System.Globalization;
using StackExchange.Redis;

namespace Inventory.Stock;

public sealed partial class StockEngine
{
    // Of the arguments of a request.
    private const int BeforeLines = 8;

    // Each reply is compared with it.
    private static readonly string MoreDue = ((int)ReserveOutcome.MoreDue).ToString(CultureInfo.InvariantCulture);

    /// <summary>
    /// Holds all lines or none. Lines in several partitions are held one partition after the other, in ascending order,
    /// and given back on the first refusal; a crash half-way leaves only holds that expire.
    /// </summary>
    public async Task<ReserveAnswer> ReserveAsync(ReserveRequest request)
    {
        var lines = AddUp(request.Lines);
        if (settings.Partitions == 1) return await ReservePartAsync(request, default, lines);

        var parts = lines
            .GroupBy(line => Partition.Of(line.Sku, settings.Partitions))
            .OrderBy(part => part.Key.Index)
            .Select(part => (Partition: part.Key, Lines: part.ToArray()))
            .ToArray();
        if (parts.Length == 1) return await ReservePartAsync(request, parts[0].Partition, parts[0].Lines);

        var answer = await ReservePartsAsync(request, parts);
        // Parts that disagree on being a replay come from a call that broke off half-way. All parts are undone by now.
        return answer ?? await ReservePartsAsync(request, parts)
            ?? throw new UnreachableException("A part was replayed right after it was undone.");
    }

    private async Task<ReserveAnswer?> ReservePartsAsync(ReserveRequest request, (Partition, Line[])[] parts)
    {
        var held = new List<(Partition Partition, ReserveAnswer Answer)>();
        foreach (var (partition, lines) in parts)
        {
            var answer = await ReservePartAsync(request, partition, lines);
            if (answer.Outcome is ReserveOutcome.Held or ReserveOutcome.AlreadyHeld)
            {
                held.Add((partition, answer));
                continue;
            }

            await UndoAsync(request, held);
            return answer;
        }

        var answers = held.ConvertAll(part => part.Answer);
        if (answers.Exists(answer => answer.Replayed != answers[0].Replayed || answer.Outcome != answers[0].Outcome))
        {
            await UndoAsync(request, held);
            return null;
        }

        return answers[0] with
        {
            Reservation = Join(answers.ConvertAll(answer => answer.Reservation!)),
            Available = [.. answers.SelectMany(answer => answer.Available)],
        };
    }

    private async Task<ReserveAnswer> ReservePartAsync(ReserveRequest request, Partition partition, Line[] lines)
    {
        var arguments = new RedisValue[BeforeLines + (2 * lines.Length)];
        (arguments[0], arguments[1]) = (lines.Length, Trace);
        (arguments[2], arguments[3]) = (Fingerprint(request.Idempotency), request.Idempotency?.Key ?? "");
        (arguments[4], arguments[5]) = (ReservationKey.Of(request.Id), request.Holder.Text);
        (arguments[6], arguments[7]) = (Milliseconds(request.HoldFor), Text(request.OnExisting));
        for (var i = 0; i < lines.Length; i++)
        {
            arguments[BeforeLines + (2 * i)] = lines[i].Sku;
            arguments[BeforeLines + 1 + (2 * i)] = lines[i].Quantity;
        }

        return Read(await CallsOf(Script.Reserve, partition).AskAsync(lines.Length, arguments));
    }

    // Asking again ends: a call that says so gave at least one due hold back, and new ones are not due yet.
    private SharedCalls ReserveCalls(Partition partition) => new(
        guard, Script.Reserve, partition, "", EndedRetention, "", IdempotencyRetention, settings.ReclaimBatch)
    {
        Again = MoreDue,
    };

    private async Task UndoAsync(ReserveRequest request, List<(Partition Partition, ReserveAnswer Answer)> held)
    {
        foreach (var (partition, _) in held)
        {
            await Script.Undo.RunAsync(
                guard,
                [partition.Epoch, partition.Events, partition.Due, partition.Answer(request.Idempotency)],
                [Trace, EndedRetention, Fingerprint(request.Idempotency), ReservationKey.Of(request.Id)]);
        }
    }

    /// <summary>One line per SKU, in an order that doesn't depend on how the caller wrote them.</summary>
    private static Line[] AddUp(IReadOnlyList<Line> lines)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(lines.Count, 1, nameof(lines));
        foreach (var line in lines) ArgumentOutOfRangeException.ThrowIfLessThan(line.Quantity, 1, nameof(lines));
        if (lines.Count == 1) return [lines[0]];
        return
        [
            .. lines.GroupBy(line => line.Sku, StringComparer.Ordinal)
                .OrderBy(same => same.Key, StringComparer.Ordinal)
                .Select(same => new Line(same.Key, same.Aggregate(0, (sum, line) => checked(sum + line.Quantity)))),
        ];
    }

    private static Reservation Join(List<Reservation> parts) => parts[0] with
    {
        Status = parts.Max(part => part.Status),
        Lines = [.. parts.SelectMany(part => part.Lines).OrderBy(line => line.Sku, StringComparer.Ordinal)],
        ExpiresAt = parts.Min(part => part.ExpiresAt),
    };

    private static string Text(OnExisting onExisting) => onExisting switch
    {
        OnExisting.Refuse => "refuse",
        OnExisting.RefuseUnlessLimited => "refuse-unless-limited",
        OnExisting.Replace => "replace",
        OnExisting.Allow => "allow",
        _ => throw new ArgumentOutOfRangeException(nameof(onExisting), onExisting, "Not a policy for existing holds."),
    };

    private static ReserveAnswer Read(RedisResult result)
    {
        var reply = new Reply(result);
        var answer = new ReserveAnswer { Outcome = (ReserveOutcome)reply.NextInt(), Replayed = reply.Replayed };
        if (!reply.HasMore) return answer;

        answer = answer with { DecidedAt = reply.NextTime() };
        switch (answer.Outcome)
        {
            case ReserveOutcome.Held:
                return answer with { Reservation = reply.NextReservation(), Available = reply.NextAvailability() };
            case ReserveOutcome.AlreadyHeld or ReserveOutcome.Ended:
                return answer with { Reservation = reply.NextReservation() };
            case ReserveOutcome.Insufficient:
                answer = answer with { Available = reply.NextAvailability() };
                break;
            case ReserveOutcome.UnknownSku or ReserveOutcome.Paused or ReserveOutcome.ActiveReservationExists:
                answer = answer with { Sku = reply.Next().ToString() };
                break;
            case ReserveOutcome.LimitExceeded:
                answer = answer with
                {
                    Sku = reply.Next().ToString(),
                    Limit = reply.NextInt(),
                    Units = reply.NextInt(),
                };
                break;
        }

        return reply.HasMore ? answer with { Reservation = reply.NextReservation() } : answer;
    }
}
