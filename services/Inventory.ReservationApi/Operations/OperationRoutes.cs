using Inventory.History;
using Inventory.ReservationApi.Products;

namespace Inventory.ReservationApi.Operations;

/// <summary>What operators see and do: everything under /api/operations.</summary>
internal static class OperationRoutes
{
    internal const string Path = "/api/operations";

    internal static void Register(IServiceCollection services) => services.AddSingleton<DeadLetters>();

    internal static void Map(IEndpointRouteBuilder routes)
    {
        var operations = routes.MapGroup("").AddEndpointFilter(ProductRoutes.AnswerOutageAsync);
        ListDeadLetters.Map(operations);
        ShowDeadLetter.Map(operations);
        ReplayDeadLetter.Map(operations);
        ReplayDeadLetters.Map(operations);
    }
}
