using Inventory.Contracts;
using Inventory.History;
using Inventory.Ledger;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Requests;
using Microsoft.EntityFrameworkCore;

namespace Inventory.ReservationApi.Operations;

/// <summary>POST /api/operations/dead-letters/replay: try all open ones, some at a time.</summary>
public static class ReplayDeadLetters
{
    private const int DefaultLimit = 50;

    // Each is a transaction of some milliseconds: a call takes a second or two at most.
    private const int MaxLimit = 200;

    /// <summary>The results of a replay.</summary>
    /// <param name="Replayed">Letters that are resolved now.</param>
    /// <param name="Failing">Letters that still can't be stored.</param>
    /// <param name="Results">Each of them, oldest first.</param>
    /// <param name="NextAfter">The value of after for the next call; absent when no more were open.</param>
    public sealed record Response(int Replayed, int Failing, IReadOnlyList<Result> Results, long? NextAfter);

    /// <summary>The result for one letter.</summary>
    /// <param name="Id">The letter.</param>
    /// <param name="State">resolved or open.</param>
    /// <param name="Error">What this attempt failed with; absent when it did not.</param>
    public sealed record Result(long Id, string State, string? Error);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPost(ListDeadLetters.Path + "/replay", Handle)
        .WithName(nameof(ReplayDeadLetters))
        .WithTags("Operations")
        .OnlyFor(Scopes.Admin)
        .WithSummary("Store all events that could not be stored")
        .WithDescription("Tries the open ones, oldest first, each by itself: one that still fails blocks no other. "
            + "limit is 1 to 200, and 50 when absent; after is nextAfter of the previous call.")
        .TakesQuery("limit", DefaultLimit, 1, MaxLimit)
        .MayBeRepeated()
        .Answers<Response>(StatusCodes.Status200OK, "The result for each.")
        .Refuses(Problem.LedgerUnavailable);

    internal static async Task<IResult> Handle(
        HttpContext http, string? after, DeadLetters letters, LedgerContext context)
    {
        var errors = new FieldErrors();
        var limit = (int)IncomingQuery.ReadNumber(http, "limit", DefaultLimit, MaxLimit, ref errors);
        var begin = IncomingQuery.ReadNumber(http, nameof(after), 0, long.MaxValue, ref errors);
        if (errors.ToRefusal() is { } invalid) return invalid;

        var open = await LedgerCalls.RunAsync(() => context.DeadLetters
            .Where(letter => letter.Id > begin && letter.ResolvedAt == null)
            .OrderBy(letter => letter.Id).Select(letter => letter.Id)
            .Take(limit + 1).ToListAsync(http.RequestAborted));
        var results = new List<Result>(limit);
        foreach (var id in open.Take(limit))
        {
            var answer = await letters.ReplayAsync(id, http.RequestAborted);
            var fails = answer.Outcome == ReplayOutcome.StillFailing;
            results.Add(new(id, fails ? "open" : "resolved", answer.Error));
        }

        var failing = results.Count(result => result.Error is not null);
        return JsonAnswer.Of(
            StatusCodes.Status200OK,
            new Response(results.Count - failing, failing, results, open.Count > limit ? results[^1].Id : null),
            ApiJson.Default.ReplayDeadLettersResponse);
    }
}
