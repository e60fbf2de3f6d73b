namespace Inventory.Load;

/// <summary>The checkout in which this program was built.</summary>
internal static class Repository
{
    /// <summary>The folder with the solution.</summary>
    public static string Root { get; } = Find();

    /// <summary>A service's assembly as the application host built it, in Release.</summary>
    public static string Assembly(string project) =>
        Path.Combine(Root, "artifacts", "bin", project, "release", $"{project}.dll");

    private static string Find()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Inventory.Aspire.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("Not within a checkout.");
        }
        return folder;
    }
}
