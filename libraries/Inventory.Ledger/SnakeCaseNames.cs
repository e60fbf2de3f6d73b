using System.Globalization;
using EFCore.NamingConventions.Internal;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Conventions.Infrastructure;
using Microsoft.Extensions.DependencyInjection;

namespace Inventory.Ledger;

/// <summary>
/// Columns, keys and indexes are named in snake_case, which SQL reads without quotes. Tables are named by hand, since
/// their words differ from the classes'.
/// </summary>
/// <remarks>
/// The convention is EFCore.NamingConventions'. The models add it themselves, because the package's own
/// <c>UseSnakeCaseNamingConvention</c> also renames the columns of EF Core's migration history: a database that was
/// migrated without it could not be migrated any more (issue 1 of the package's repository). A model that names its
/// columns itself also needs nothing from the code that builds its options.
/// </remarks>
internal static class SnakeCaseNames
{
    internal static void UseSnakeCaseNames(this ModelConfigurationBuilder model) =>
        model.Conventions.Add(services => new NameRewritingConvention(
            services.GetRequiredService<ProviderConventionSetBuilderDependencies>(),
            new SnakeCaseNameRewriter(CultureInfo.InvariantCulture)));
}
