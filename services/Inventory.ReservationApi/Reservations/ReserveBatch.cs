using System.Text.Json.Serialization;
using Inventory.Contracts;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Queue;
using Inventory.ReservationApi.Requests;
using Inventory.ServiceDefaults.Overload;
using Inventory.Stock;
using Microsoft.Extensions.Options;

namespace Inventory.ReservationApi.Reservations;

/// <summary>
/// POST /api/reservations/batch: many independent reservations in one call. Each succeeds or fails by itself; a body
/// that isn't of the right shape holds nothing at all.
/// </summary>
public static class ReserveBatch
{
    /// <summary>Reservations that don't depend on each other.</summary>
    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    public sealed record Request
    {
        /// <summary>1 to 100 reservations.</summary>
        public IReadOnlyList<Reserve.Request?>? Reservations { get; init; }
    }

    /// <summary>The results.</summary>
    /// <param name="Outcomes">One for each reservation, in the order of the request.</param>
    public sealed record Response(IReadOnlyList<Outcome> Outcomes);

    /// <summary>The result of one reservation: the answer that its own call would have got.</summary>
    /// <param name="Status">The HTTP status.</param>
    /// <param name="Reservation">The reservation; absent when it was refused.</param>
    /// <param name="Problem">Why it was refused; absent when it wasn't.</param>
    public sealed record Outcome(int Status, Reserve.Response? Reservation, Refusal? Problem);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPost(Reserve.Path + "/batch", Handle)
        .WithName(nameof(ReserveBatch))
        .WithTags("Reservations")
        .OnlyFor(Scopes.Reserve)
        .MayBeShed(Priority.Reserving)
        .WithSummary("Make many independent reservations")
        .WithDescription("Answers 200 with an outcome for each, in order, with the status and body that its own call "
            + "would have had. With an Idempotency-Key, a repetition holds nothing twice, and tries again what was "
            + "refused; another batch under it is refused. Values are checked for each reservation by itself; an "
            + "unknown field or a wrong type "
            + "anywhere refuses the whole body.")
        .Takes<Request>()
        .Answers<Response>(StatusCodes.Status200OK, "An outcome for each reservation.")
        .Refuses(Problem.ProofOfWorkRequired);

    internal static async Task<IResult> Handle(
        HttpContext http, HoldStore holds, StockCircuit circuit, QueueAdmission room,
        IOptions<ReservationOptions> options)
    {
        var incoming = await IncomingBody.ReadAsync(http, ApiJson.Default.ReserveBatchRequest);
        if (incoming.Refusal is { } unreadable) return unreadable;
        var (request, idempotency, _) = incoming;
        if (request.Reservations is not { } reservations) return Refusal.Invalid("reservations", FieldErrors.Required);
        if (reservations.Count < 1 || reservations.Count > options.Value.MaxBatch)
        {
            return Refusal.Invalid("reservations", $"must have 1 to {options.Value.MaxBatch} reservations");
        }

        var caller = Caller.Of(http);
        var outcomes = new Outcome[reservations.Count];
        var sound = new List<int>(reservations.Count);
        for (var i = 0; i < reservations.Count; i++)
        {
            var invalid = reservations[i] is { } reservation
                ? Reserve.Check(reservation, caller, options.Value)
                : Refusal.Invalid($"reservations[{i}]", FieldErrors.Required);
            if (invalid is null) sound.Add(i);
            else outcomes[i] = new(invalid.Status, null, invalid.In(http));
        }

        var replayed = sound.Count > 0;
        var taken = new UnitsTaken();
        async Task HoldAsync(int place)
        {
            var one = reservations[sound[place]]!;
            var ask = Reserve.ToEngine(one, caller, options.Value, idempotency?.ForItem(place));
            Task<ReserveAnswer> AskAsync() => circuit.CallAsync(() => holds.ReserveAsync(ask)).AsTask();
            var (outcome, isReplay) = await room.MayPassAsync(ask.Lines)
                ? await HoldOneAsync(http, AskAsync, one.IsOneLine, taken)
                : (Refused(Refusal.Queued().In(http)), false);
            outcomes[sound[place]] = outcome;
            if (!isReplay) Volatile.Write(ref replayed, false);
        }

        // A key of another request refuses the batch before anything is held. The items' own keys may not know it:
        // refused items are not remembered.
        if (idempotency is not null && sound.Count > 0)
        {
            try
            {
                if (!await circuit.CallAsync(() => holds.ClaimAsync(idempotency))) return Refusal.KeyReused();
            }
            catch (Exception e) when (Failures.Explain(e) is { } unavailable)
            {
                foreach (var place in sound) outcomes[place] = Refused(unavailable.In(http));
                sound.Clear();
                replayed = false;
            }
        }

        await Task.WhenAll(Enumerable.Range(0, sound.Count).Select(HoldAsync));

        IdempotencyKey.MarkReplayed(http, replayed);
        taken.TellGateway(http);
        return JsonAnswer.Of(StatusCodes.Status200OK, new Response(outcomes), ApiJson.Default.ReserveBatchResponse);
    }

    private static async Task<(Outcome Outcome, bool Replayed)> HoldOneAsync(
        HttpContext http, Func<Task<ReserveAnswer>> ask, bool oneLine, UnitsTaken taken)
    {
        try
        {
            var answer = await ask();
            taken.Add(answer);
            var (status, reservation, refusal) = Reserve.Understand(answer, oneLine);
            return (new(status, reservation, refusal?.In(http)), answer.Replayed);
        }
        catch (Exception e) when (Failures.Explain(e) is not null)
        {
            // Other reservations may have been held, and the caller must learn of them.
            var refusal = Failures.Explain(e)!;
            return (Refused(refusal.In(http)), false);
        }
    }

    private static Outcome Refused(Refusal refusal) => new(refusal.Status, null, refusal);
}
