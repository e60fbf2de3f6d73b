using System.Text;
using System.Text.RegularExpressions;
using Inventory.Testing;

namespace Inventory.Faults.Running;

/// <summary>
/// A bug that the product does not have, to test that the checker finds it. The services run from copies of their
/// folders. In the copied assembly, which embeds the scripts as plain text, a script is replaced by one of the same
/// length.
/// </summary>
public sealed class SeededBug : IDisposable
{
    private const string Assembly = "Inventory.Stock.dll";
    private readonly string folder = Directory.CreateTempSubdirectory("inventory-faults-").FullName;
    private readonly List<(string Script, string From, string To)> changes = [];

    /// <summary>The name of the bug.</summary>
    public required string Name { get; init; }

    /// <summary>SQL statements that seed a bug into PostgreSQL.</summary>
    public string? Sql { get; init; }

    /// <summary>Changes a script.</summary>
    /// <param name="script">Its file in <c>lua/</c>.</param>
    /// <param name="from">A text that occurs once in the script.</param>
    /// <param name="to">The replacement.</param>
    public SeededBug Change(string script, string from, string to)
    {
        changes.Add((script, from, to));
        return this;
    }

    /// <summary>Deletes the copies.</summary>
    public void Dispose() => Directory.Delete(folder, recursive: true);

    /// <summary>The folder of a copied service with the bug.</summary>
    internal string FolderOf(string project)
    {
        var (from, copy) = (ServiceProcess.FolderOf(project), Path.Combine(folder, project));
        if (Directory.Exists(copy)) return copy;
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var to = Path.Combine(copy, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(file, to);
        }

        var assembly = Path.Combine(copy, Assembly);
        if (!File.Exists(assembly)) return copy;
        var bytes = File.ReadAllBytes(assembly);
        foreach (var (script, text, instead) in changes) Patch(bytes, Original(script), text, instead);
        File.WriteAllBytes(assembly, bytes);
        return copy;
    }

    private static string Original(string script)
    {
        using var stream = typeof(Stock.Script).Assembly.GetManifestResourceStream(script)
            ?? throw new InvalidOperationException($"There is no script {script}.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private static void Patch(byte[] assembly, string original, string from, string to)
    {
        if (Regex.Count(original, Regex.Escape(from)) != 1)
        {
            throw new InvalidOperationException($"This text must occur exactly once in the script: {from}");
        }

        // Remove comments to make room for added text.
        var changed = string.Join('\n', original.Replace(from, to, StringComparison.Ordinal).Split('\n')
            .Where(line => !line.StartsWith("--", StringComparison.Ordinal)
                || line.StartsWith("-- include", StringComparison.Ordinal)));
        var (old, next) = (Encoding.UTF8.GetBytes(original), Encoding.UTF8.GetBytes(changed));
        if (next.Length > old.Length) throw new InvalidOperationException("The changed script is too long.");
        var at = assembly.AsSpan().IndexOf(old);
        if (at < 0) throw new InvalidOperationException("The assembly does not have the script.");
        assembly.AsSpan(at, old.Length).Fill((byte)'\n');
        next.CopyTo(assembly.AsSpan(at));
    }
}
