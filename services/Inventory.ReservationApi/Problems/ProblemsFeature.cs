namespace Inventory.ReservationApi.Problems;

/// <summary>Problem details for every failure, and a page for each type of them.</summary>
internal static class ProblemsFeature
{
    internal static void AddProblems(this IHostApplicationBuilder builder) =>
        builder.Services.AddExceptionHandler<Failures>();

    /// <summary>Gives a body to every failure of later middleware, and to what the server refuses itself.</summary>
    internal static void UseProblems(this WebApplication app)
    {
        app.UseServerRefusals(Failures.DescribeUnread);
        app.UseExceptionHandler(new ExceptionHandlerOptions { ExceptionHandler = Failures.AnswerBugAsync });
        app.UseStatusCodePages(bare => Failures.FillBodyAsync(bare.HttpContext));
    }

    internal static void MapProblems(this IEndpointRouteBuilder routes) => ProblemPages.Map(routes);
}
