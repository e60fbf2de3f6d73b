using System.Diagnostics;
using Inventory.Contracts;
using Inventory.History;
using Inventory.Ledger;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Problems;

namespace Inventory.ReservationApi.Operations;

/// <summary>
/// POST /api/operations/dead-letters/{id}/replay: store an event once the cause of its failure is removed.
/// </summary>
public static class ReplayDeadLetter
{
    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPost(ShowDeadLetter.Path + "/replay", Handle)
        .WithName(nameof(ReplayDeadLetter))
        .WithTags("Operations")
        .OnlyFor(Scopes.Admin)
        .WithSummary("Store an event that could not be stored")
        .WithDescription("For use once the cause of the failure is removed. The event is stored; the reservation's row "
            + "changes only if it has seen no later event. A repetition changes nothing.")
        .MayBeRepeated()
        .Answers<DeadLetterView>(StatusCodes.Status200OK, "The letter, resolved now or from before.")
        .Refuses(Problem.DeadLetterNotFound, Problem.StillNotStorable, Problem.LedgerUnavailable);

    internal static async Task<IResult> Handle(
        HttpContext http, string id, DeadLetters letters, LedgerContext context)
    {
        if (ShowDeadLetter.ReadId(id) is not { } key) return ShowDeadLetter.NotFound(id);
        var answer = await letters.ReplayAsync(key, http.RequestAborted);
        return answer.Outcome switch
        {
            ReplayOutcome.Replayed or ReplayOutcome.AlreadyResolved =>
                await ShowDeadLetter.AnswerAsync(http, key, context),
            ReplayOutcome.StillFailing => Refusal.Of(Problem.StillNotStorable, answer.Error!),
            ReplayOutcome.NotFound => ShowDeadLetter.NotFound(id),
            _ => throw new UnreachableException($"A replay ended as {answer.Outcome}."),
        };
    }
}
