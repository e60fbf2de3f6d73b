using Inventory.Contracts;
using Inventory.Storage;
using StackExchange.Redis;
using static Inventory.Stock.PartitionedRedis;

namespace Inventory.Stock;

/// <summary>Holds of shoppers in Redis: reserved, adjusted, extended, released, found and expired.</summary>
public sealed class HoldStore
{
    // Number of a request's arguments before those of its lines.
    private const int BeforeLines = 9;

    private readonly PartitionedRedis redis;

    internal HoldStore(PartitionedRedis redis) => this.redis = redis;

    /// <summary>
    /// Holds all lines or none. Lines in several partitions are held one partition after the other, in ascending order,
    /// and undone on the first refusal. A crash in between leaves only holds that expire.
    /// </summary>
    public async Task<ReserveAnswer> ReserveAsync(ReserveRequest request)
    {
        var lines = Parts.AddUp(request.Lines);
        if (redis.Settings.Partitions == 1) return await ReservePartAsync(request, default, lines);

        var parts = redis.PartsOf(lines).Select(part => (Partition: part.Key, Lines: part.ToArray())).ToArray();
        if (parts.Length == 1) return await ReservePartAsync(request, parts[0].Partition, parts[0].Lines);

        var answer = await ReservePartsAsync(request, parts);
        // Parts that disagree on being a replay come from a call that was interrupted. All parts have been undone by
        // now, so the request is tried again.
        return answer ?? await ReservePartsAsync(request, parts)
            ?? throw new System.Diagnostics.UnreachableException("A part was replayed right after it was undone.");
    }

    private async Task<ReserveAnswer?> ReservePartsAsync(ReserveRequest request, (Partition, Line[])[] parts)
    {
        var held = new List<(Partition Partition, ReserveAnswer Answer)>();
        foreach (var (partition, lines) in parts)
        {
            ReserveAnswer answer;
            try
            {
                answer = await ReservePartAsync(request, partition, lines);
            }
            catch (CorruptDataException)
            {
                await UndoAsync(request, held);
                throw;
            }

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
            Reservation = Parts.Join(answers.ConvertAll(answer => answer.Reservation!)),
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
        arguments[8] = request.IsShopper ? 1 : 0;
        for (var i = 0; i < lines.Length; i++)
        {
            arguments[BeforeLines + (2 * i)] = Stored(lines[i].Sku);
            arguments[BeforeLines + 1 + (2 * i)] = lines[i].Quantity;
        }

        return Read(await redis.CallsOf(Script.Reserve, partition).AskAsync(lines.Length, arguments));
    }

    /// <summary>Undoes every part that can be undone, before it fails for one that can't.</summary>
    private async Task UndoAsync(ReserveRequest request, List<(Partition Partition, ReserveAnswer Answer)> held)
    {
        CorruptDataException? failure = null;
        foreach (var (partition, _) in held)
        {
            try
            {
                await Script.Undo.RunAsync(
                    redis.Guard,
                    [partition.Epoch, partition.Events, partition.Due, partition.Answer(request.Idempotency)],
                    [Trace, redis.EndedRetention, Fingerprint(request.Idempotency), ReservationKey.Of(request.Id)]);
            }
            catch (CorruptDataException e)
            {
                failure ??= e;
            }
        }

        if (failure is not null) throw failure;
    }

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
                answer = answer with { Sku = reply.NextSku() };
                break;
            case ReserveOutcome.LimitExceeded:
                answer = answer with
                {
                    Sku = reply.NextSku(),
                    Limit = reply.NextLong(),
                    Units = reply.NextLong(),
                };
                break;
        }

        return reply.HasMore ? answer with { Reservation = reply.NextReservation() } : answer;
    }

    /// <summary>
    /// Sets how many units of one SKU a holder holds. The result is a new hold, the unchanged hold, or the hold with
    /// another quantity.
    /// </summary>
    /// <param name="request">
    /// One line. The lifetime is that of a new hold: an existing one keeps its deadline. The id and what to do with
    /// existing holds don't matter: each new hold gets a new id, also when a ticket of the queue is decided twice.
    /// </param>
    public async Task<AdjustAnswer> AdjustAsync(ReserveRequest request)
    {
        var line = request.Lines.Single();
        ArgumentOutOfRangeException.ThrowIfLessThan(line.Quantity, 1, nameof(request));
        var partition = redis.PartitionOf(line.Sku);
        AdjustAnswer answer;
        // Terminates for the reason that <c>PartitionedRedis.ReserveCalls</c> gives.
        do
        {
            answer = ReadAdjusted(new Reply(await Script.Adjust.RunAsync(
                redis.Guard,
                [
                    partition.Epoch, partition.Events, partition.Due, partition.Answer(request.Idempotency),
                    partition.Stock(line.Sku),
                ],
                [
                    Trace, redis.EndedRetention, Fingerprint(request.Idempotency), redis.IdempotencyRetention,
                    redis.Settings.ReclaimBatch, ReservationKey.Of(Guid.NewGuid()), request.Holder.Text,
                    Milliseconds(request.HoldFor), Stored(line.Sku), line.Quantity, redis.Settings.MaxHoldsPerSku,
                    request.IsShopper ? 1 : 0, redis.Settings.MaxUnitsPerShopper, redis.ShopperShare,
                ])));
        }
        while (answer.Outcome == AdjustOutcome.MoreDue);
        return answer;
    }

    private static AdjustAnswer ReadAdjusted(Reply reply)
    {
        var answer = new AdjustAnswer { Outcome = (AdjustOutcome)reply.NextInt(), Replayed = reply.Replayed };
        if (!reply.HasMore) return answer;

        answer = answer with { DecidedAt = reply.NextTime() };
        return answer.Outcome switch
        {
            AdjustOutcome.Held or AdjustOutcome.AlreadyHeld or AdjustOutcome.Adjusted =>
                answer with
                {
                    Reservation = reply.NextReservation(),
                    Available = reply.NextInt(),
                    // Replayed answers of an earlier version don't have this field.
                    More = reply.HasMore ? reply.NextInt() : 0,
                },
            AdjustOutcome.Confirming => answer with { Reservation = reply.NextReservation() },
            AdjustOutcome.Insufficient => answer with { Available = reply.NextInt() },
            AdjustOutcome.LimitExceeded => answer with { Limit = reply.NextLong(), Units = reply.NextLong() },
            _ => answer,
        };
    }

    /// <summary>
    /// Moves a reservation's deadline, at most to <see cref="StockOptions.MaxLifetime"/> after its creation.
    /// </summary>
    /// <param name="id">The reservation.</param>
    /// <param name="by">A millisecond or more.</param>
    /// <param name="idempotency">Null when the caller gave no key.</param>
    public async Task<ExtendAnswer> ExtendAsync(Guid id, TimeSpan by, Idempotency? idempotency)
    {
        var parts = new List<ExtendAnswer>();
        foreach (var partition in redis.Partitions)
        {
            parts.Add(await ExtendPartAsync(partition, [ReservationKey.Of(id), "", ""], by, idempotency));
        }

        return Parts.Combine(parts, ExtendOutcome.NotFound, part => part.Outcome, part => part.Reservation)
            is var (worst, reservation) ? worst with { Reservation = reservation } : parts[0];
    }

    /// <summary>Moves the deadline of a holder's hold of one SKU.</summary>
    /// <inheritdoc cref="ExtendAsync(Guid, TimeSpan, Idempotency?)"/>
    public Task<ExtendAnswer> ExtendAsync(Holder holder, string sku, TimeSpan by, Idempotency? idempotency) =>
        ExtendPartAsync(redis.PartitionOf(sku), ["", holder.Text, Stored(sku)], by, idempotency);

    private async Task<ExtendAnswer> ExtendPartAsync(
        Partition partition, RedisValue[] which, TimeSpan by, Idempotency? idempotency)
    {
        var result = await Script.Extend.RunAsync(
            redis.Guard,
            [partition.Epoch, partition.Events, partition.Due, partition.Answer(idempotency)],
            [
                Trace, redis.EndedRetention, Fingerprint(idempotency), redis.IdempotencyRetention, .. which,
                Milliseconds(by), Milliseconds(redis.Settings.MaxLifetime),
            ]);
        var reply = new Reply(result);
        var outcome = (ExtendOutcome)reply.NextInt();
        var decidedAt = reply.HasMore ? reply.NextTime() : default;
        return new(outcome, reply.HasMore ? reply.NextReservation() : null, decidedAt, reply.Replayed);
    }

    /// <summary>Releases a reservation before its deadline.</summary>
    /// <param name="id">The reservation.</param>
    /// <param name="idempotency">Null when the caller gave no key.</param>
    public async Task<ReleaseAnswer> ReleaseAsync(Guid id, Idempotency? idempotency)
    {
        var parts = new List<ReleaseAnswer>();
        foreach (var partition in redis.Partitions)
        {
            parts.Add(await ReleasePartAsync(partition, [ReservationKey.Of(id), "", ""], idempotency));
        }

        return Parts.Combine(parts, ReleaseOutcome.NotFound, part => part.Outcome, part => part.Reservation)
            is var (worst, reservation) ? worst with { Reservation = reservation } : parts[0];
    }

    /// <summary>Releases a holder's hold of one SKU; a reservation of several SKUs is released as a whole.</summary>
    /// <inheritdoc cref="ReleaseAsync(Guid, Idempotency?)"/>
    public Task<ReleaseAnswer> ReleaseAsync(Holder holder, string sku, Idempotency? idempotency) =>
        ReleasePartAsync(redis.PartitionOf(sku), ["", holder.Text, Stored(sku)], idempotency);

    private async Task<ReleaseAnswer> ReleasePartAsync(
        Partition partition, RedisValue[] which, Idempotency? idempotency)
    {
        var result = await Script.Release.RunAsync(
            redis.Guard,
            [partition.Epoch, partition.Events, partition.Due, partition.Answer(idempotency)],
            [Trace, redis.EndedRetention, Fingerprint(idempotency), redis.IdempotencyRetention, .. which]);
        var reply = new Reply(result);
        var outcome = (ReleaseOutcome)reply.NextInt();
        var decidedAt = reply.HasMore ? reply.NextTime() : default;
        return new(outcome, reply.HasMore ? reply.NextReservation() : null, decidedAt, reply.Replayed);
    }

    /// <summary>
    /// Remembers the request of an idempotency key, for an operation that gives the same result when it is repeated.
    /// </summary>
    /// <returns>False when the key came with another request before.</returns>
    /// <exception cref="StoreException">Redis failed: the key may be remembered.</exception>
    public async Task<bool> ClaimAsync(Idempotency idempotency)
    {
        // Every claim of this key is in the same partition. With more than one partition, scripts store their answers
        // in the partitions of their SKUs, where a claim doesn't look.
        var record = await redis.Database.StringSetAndGetAsync(
            redis.PartitionOf(idempotency.Key).Answer(idempotency), idempotency.Fingerprint + "\t",
            redis.Settings.IdempotencyRetention, when: When.NotExists).OrFailedAsync();
        return record.IsNull || ((string)record!).Split('\t')[0] == idempotency.Fingerprint;
    }

    /// <summary>The current state of a reservation. A reservation after its deadline is expired first.</summary>
    public async Task<FindAnswer> FindAsync(Guid id)
    {
        var parts = new List<FindAnswer>();
        foreach (var partition in redis.Partitions)
        {
            parts.Add(await FindPartAsync(partition, [ReservationKey.Of(id), "", ""]));
        }

        return Parts.Combine(parts, FindOutcome.NotFound, part => part.Outcome, part => part.Reservation)
            is var (worst, reservation) ? worst with { Reservation = reservation } : parts[0];
    }

    /// <summary>
    /// The current state of a holder's hold of one SKU; for a reservation over several partitions, that SKU's part.
    /// </summary>
    public Task<FindAnswer> FindAsync(Holder holder, string sku) =>
        FindPartAsync(redis.PartitionOf(sku), ["", holder.Text, Stored(sku)]);

    private async Task<FindAnswer> FindPartAsync(Partition partition, RedisValue[] which)
    {
        var result = await Script.Find.RunAsync(
            redis.Guard, [partition.Epoch, partition.Events, partition.Due], [Trace, redis.EndedRetention, .. which]);
        var reply = new Reply(result);
        var outcome = (FindOutcome)reply.NextInt();
        var decidedAt = reply.HasMore ? reply.NextTime() : default;
        return new(outcome, reply.HasMore ? reply.NextReservation() : null, decidedAt);
    }

    /// <summary>Expires one batch of due holds in each partition.</summary>
    /// <param name="batch">Maximum number of lines for each partition; limits how long one call blocks Redis.</param>
    public async Task<ExpireAnswer> ExpireAsync(int batch)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        var outcome = ExpireOutcome.Drained;
        var lateness = new List<TimeSpan>();
        foreach (var partition in redis.Partitions)
        {
            var part = ReadExpired(
                new Reply(await Script.Expire.RunAsync(
                    redis.Guard,
                    [partition.Epoch, partition.Events, partition.Due],
                    [Trace, redis.EndedRetention, batch])),
                lateness);
            if (part != ExpireOutcome.Drained) outcome = part;
        }

        return new(outcome, lateness);
    }

    private static ExpireOutcome ReadExpired(Reply reply, List<TimeSpan> lateness)
    {
        var outcome = (ExpireOutcome)reply.NextInt();
        if (!reply.HasMore) return outcome;

        var now = reply.NextTime();
        while (reply.HasMore) lateness.Add(now - reply.NextTime());
        return outcome;
    }
}
