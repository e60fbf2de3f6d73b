namespace Aspire.Hosting.Processes;

/// <summary>Programs of this machine.</summary>
internal static class Programs
{
    /// <summary>Finds a program.</summary>
    /// <param name="command">A path, or a name to look up on PATH.</param>
    /// <param name="advice">How to install it, for the error.</param>
    /// <exception cref="DistributedApplicationException">It is not there.</exception>
    public static string Find(string command, string? advice) => TryFind(command)
        ?? throw new DistributedApplicationException($"{command} not found{(advice is null ? "." : $": {advice}")}");

    /// <summary>Finds a program, or returns null.</summary>
    public static string? TryFind(string command)
    {
        if (command.Contains('/', StringComparison.Ordinal))
        {
            return File.Exists(command) ? command : null;
        }

        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':');
        return folders.Where(folder => folder.Length > 0).Select(folder => Path.Combine(folder, command))
            .FirstOrDefault(File.Exists);
    }
}
