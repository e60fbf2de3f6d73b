namespace Inventory.AppHost;

/// <summary>Files with passwords in them.</summary>
internal static class PrivateFile
{
    /// <summary>Writes a file that only its owner may read.</summary>
    public static async Task WriteAsync(string file, string text)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        await using var writer = new StreamWriter(file, options);
        await writer.WriteAsync(text);
    }
}
