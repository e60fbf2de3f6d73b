using System.Globalization;
using EFCore.NamingConventions.Internal;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Conventions.Infrastructure;
using Microsoft.Extensions.DependencyInjection;

namespace Inventory.Ledger;

/// <summary>
/// Names columns, keys and indexes in snake_case, which SQL reads without quotes. Tables are named explicitly, because
/// their words differ from the classes'.
/// </summary>
/// <remarks>
/// The convention comes from EFCore.NamingConventions. The models add it themselves, because the package's own
/// <c>UseSnakeCaseNamingConvention</c> also renames the columns of EF Core's migration history: a database that was
/// migrated without it could then not be migrated any more (issue 1 of the package's repository). It also keeps the
/// code that builds a model's options free of naming.
/// </remarks>
internal static class SnakeCaseNames
{
    internal static void UseSnakeCaseNames(this ModelConfigurationBuilder model) =>
        model.Conventions.Add(services => new NameRewritingConvention(
            services.GetRequiredService<ProviderConventionSetBuilderDependencies>(),
            new SnakeCaseNameRewriter(CultureInfo.InvariantCulture)));
}
