namespace Aspire.Hosting.Processes;

/// <summary>The password of a server: from Parameters:name-password, or random and kept next to its data.</summary>
internal static class ServerPasswords
{
    public static ParameterResource Create(IDistributedApplicationBuilder builder, IResource server)
    {
        var registration = builder.Services.Last(s => s.ServiceType == typeof(DataFolders));
        var folders = (DataFolders)registration.ImplementationInstance!;
        // The folder depends on the server's volume, which the AppHost's code names later.
        return ParameterResourceBuilderExtensions.Create(
            builder,
            $"{server.Name}-password",
            secret: true,
            new StoredPassword(() => Path.Combine(folders.For(server), "password")));
    }

    /// <summary>Random, and kept next to the data it protects, because the data outlives the AppHost.</summary>
    private sealed class StoredPassword(Func<string> file) : ParameterDefault
    {
        private readonly GenerateParameterDefault generator = new() { Special = false };

        public override string GetDefaultValue()
        {
            if (File.Exists(file()))
            {
                return File.ReadAllText(file()).Trim();
            }

            var password = generator.GetDefaultValue();
            DataFolders.WriteSecret(file(), password);
            return password;
        }
    }
}
