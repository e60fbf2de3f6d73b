using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Processes;

/// <summary>
/// Where servers keep their data: a folder for each volume in the data root, and for a server without a volume a folder
/// that ends with the application. One AppHost at a time uses a data root; a lock file sees to it.
/// </summary>
internal sealed class DataFolders(RunMode mode, IConfiguration configuration, IHostEnvironment environment)
    : IDisposable
{
    private const UnixFileMode Traversable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    private readonly Lock gate = new();
    private FileStream? held;
    private string? root;

    /// <summary>The folder that outlives the AppHost, or in tests ends with it.</summary>
    public string Root
    {
        get
        {
            lock (gate)
            {
                return root ??= Choose();
            }
        }
    }

    /// <summary>The top of the repository that the AppHost lies in.</summary>
    public string RepositoryRoot => RepositoryOf(mode.AppHostDirectory);

    /// <summary>Whether the repository could not be used, which a person should know.</summary>
    public bool IsOutside => !mode.IsTest && configuration["Standin:DataRoot"] is null
        && !Root.StartsWith(RepositoryRoot, StringComparison.Ordinal);

    private bool IsTemporary => mode.IsTest && configuration["Standin:DataRoot"] is null;

    /// <summary>Takes the data root.</summary>
    /// <exception cref="DistributedApplicationException">Another AppHost has it, or it can't be written to.</exception>
    public void Open()
    {
        try
        {
            MakeFolder(Root);
            held = new FileStream(
                Path.Combine(Root, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new DistributedApplicationException($"{Root} can't be written to: set Standin__DataRoot.", e);
        }
        catch (IOException e)
        {
            throw new DistributedApplicationException(
                $"Another AppHost uses {Root}: stop it first, or set Standin__DataRoot to another folder.", e);
        }

        DeleteSession();
    }

    /// <summary>The folder of a server, made when it does not exist; others may pass through it.</summary>
    public string For(IResource resource)
    {
        var volume = resource.Annotations.OfType<ContainerMountAnnotation>()
            .FirstOrDefault(m => m.Type == ContainerMountType.Volume)?.Source;
        var folder = volume is null ? Path.Combine(Root, "session", resource.Name) : Path.Combine(Root, volume);
        MakeFolder(folder);
        return folder;
    }

    /// <summary>Gives the data root back and deletes what was not to be kept.</summary>
    public void Dispose()
    {
        if (held is null)
        {
            // Not opened, but a password may have been asked for.
            if (IsTemporary && root is not null && Directory.Exists(root))
            {
                Directory.Delete(root, recursive: true);
            }

            return;
        }

        DeleteSession();
        held.Dispose();
        held = null;
        if (IsTemporary)
        {
            Directory.Delete(Root, recursive: true);
        }
    }

    /// <summary>Writes a file that only this account can read, whole or not at all.</summary>
    public static void WriteSecret(string file, string text)
    {
        var unfinished = $"{file}.{Guid.NewGuid():N}";
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        using (var writer = new StreamWriter(unfinished, options))
        {
            writer.Write(text);
        }

        File.Move(unfinished, file, overwrite: true);
    }

    private static void MakeFolder(string folder)
    {
        if (Directory.Exists(folder))
        {
            return;
        }

        if (Path.GetDirectoryName(folder) is { } parent)
        {
            MakeFolder(parent);
        }

        Directory.CreateDirectory(folder);
        // Whatever the umask is: a server under its own account must reach its folder.
        File.SetUnixFileMode(folder, Traversable);
    }

    private static string RepositoryOf(string folder)
    {
        for (var at = new DirectoryInfo(folder); at is not null; at = at.Parent)
        {
            if (Path.Exists(Path.Combine(at.FullName, ".git")) || File.Exists(Path.Combine(at.FullName, "global.json")))
            {
                return at.FullName;
            }
        }

        return folder;
    }

    private static bool IsReachable(string folder)
    {
        for (var at = new DirectoryInfo(folder); at is not null; at = at.Parent)
        {
            if (at.Exists && !at.UnixFileMode.HasFlag(UnixFileMode.OtherExecute))
            {
                return false;
            }
        }

        return true;
    }

    private string Choose()
    {
        if (configuration["Standin:DataRoot"] is { Length: > 0 } chosen)
        {
            return Path.GetFullPath(Path.Combine(mode.AppHostDirectory, chosen));
        }

        if (mode.IsTest)
        {
            var temporary = IsReachable(Path.GetTempPath()) ? Path.GetTempPath() : "/tmp";
            return Path.Combine(temporary, $"apphost-{RandomNumberGenerator.GetHexString(12, lowercase: true)}");
        }

        var inRepository = Path.Combine(RepositoryRoot, "artifacts", "run", "data");
        // PostgreSQL refuses root and gets an account of its own, which can't pass through root's home for instance.
        return Signals.IsRoot && !IsReachable(inRepository) ? OutsideRepository() : inRepository;
    }

    private string OutsideRepository()
    {
        var repository = SHA256.HashData(Encoding.UTF8.GetBytes(RepositoryRoot));
        var name = $"{environment.ApplicationName}-{Convert.ToHexStringLower(repository.AsSpan(0, 4))}";
        return Path.Combine("/var/lib", name.ToLowerInvariant().Replace('.', '-'));
    }

    private void DeleteSession()
    {
        var session = Path.Combine(Root, "session");
        if (Directory.Exists(session))
        {
            Directory.Delete(session, recursive: true);
        }
    }
}
