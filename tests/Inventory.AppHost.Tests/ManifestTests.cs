using System.Text.RegularExpressions;

namespace Inventory.AppHost.Tests;

/// <summary>The manifest changes only together with a snapshot that a reviewer sees.</summary>
public sealed partial class ManifestTests
{
    private const string Renew = "RENEW_MANIFEST";

    [Theory]
    [InlineData(Manifest.Managed, "manifest.snapshot.json")]
    [InlineData(Manifest.Containers, "manifest.containers.snapshot.json")]
    public async Task The_manifest_is_the_reviewed_one(string stores, string snapshot)
    {
        var file = Path.Combine(Manifest.RepoRoot, "tests", "Inventory.AppHost.Tests", snapshot);
        var actual = (await Manifest.WithStoresAsync(stores)).ToString();
        if (Environment.GetEnvironmentVariable(Renew) == "1") await File.WriteAllTextAsync(file, actual);

        var difference = LineDifference.Between(await File.ReadAllTextAsync(file), actual);
        Assert.True(difference.Length == 0,
            $"The manifest differs from {snapshot}. If that is intended, renew it with "
            + $"`{Renew}=1 eng/test.sh AppHost`, and review it with `git diff`.\n{difference}");
    }

    [Theory]
    [InlineData(Manifest.Managed)]
    [InlineData(Manifest.Containers)]
    public async Task Launch_settings_are_not_published(string stores)
    {
        var manifest = await Manifest.WithStoresAsync(stores);
        foreach (var (name, resource) in manifest.Resources)
        {
            if (resource["type"]!.GetValue<string>() != "project.v0") continue;
            var environment = manifest.EnvironmentOf(name);
            Assert.DoesNotContain(environment.Keys, key => key.EndsWith("_ENVIRONMENT", StringComparison.Ordinal));
            Assert.DoesNotContain("Development", environment.Values);
            // A published port of a development machine would become the port of the service everywhere.
            Assert.DoesNotContain("\"port\"", resource["bindings"]!.ToJsonString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Every_image_has_a_version()
    {
        var manifest = await Manifest.WithStoresAsync(Manifest.Containers);
        var images = manifest.Resources
            .Where(each => each.Resource["image"] is not null)
            .ToDictionary(each => each.Name, each => each.Resource["image"]!.GetValue<string>());

        Assert.Equal(["postgres", "redis"], images.Keys.Order());
        Assert.All(images.Values, image => Assert.Matches(Version(), image));
    }

    [Fact]
    public async Task Stores_of_an_unknown_kind_are_refused_in_one_line()
    {
        var run = await Manifest.WriteAsync(Path.Combine(AppContext.BaseDirectory, "manifest.none.json"), "none");

        Assert.Equal(1, run.ExitCode);
        Assert.Equal("error: Publish:Stores must be managed or containers, and is none.", run.Output.Trim());
    }

    [GeneratedRegex(@":\d+(\.\d+)+$")]
    private static partial Regex Version();
}
