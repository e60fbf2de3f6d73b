using Inventory.AppHost.LocalServers;

namespace Inventory.AppHost;

/// <summary>
/// Redis and PostgreSQL: in containers where a container engine exists, otherwise as processes of this machine.
/// A deployment brings its own, unless it asks for containers: <see cref="Publishing"/>.
/// </summary>
internal sealed class Stores
{
    // Tested versions. A floating tag would change the server without a commit.
    private const string RedisTag = "8.6";
    private const string PostgresTag = "18.3";
    private const string Postgres = "postgres";

    private static readonly string[] PostgresArguments =
    [
        // Change capture reads the log, so that a total changed by plain SQL reaches Redis. The log that is kept for a
        // worker that is down must not fill the disk.
        "-c", "wal_level=logical", "-c", "max_slot_wal_keep_size=2GB",
    ];

    private readonly IDistributedApplicationBuilder builder;
    private readonly bool managed;
    private readonly string[] redisArguments;
    private readonly string postgresTag;
    private readonly DataFolder? data;

    public Stores(IDistributedApplicationBuilder builder, RunSettings settings)
    {
        this.builder = builder;
        managed = builder.PublishesManagedStores();
        postgresTag = settings.PostgresTag ?? PostgresTag;
        redisArguments =
        [
            // Redis writes each decision to its log before it answers: docs/adr/0017-redis-writes-before-it-answers.md.
            "--appendonly", "yes", "--appendfsync", builder.Configuration["Redis:AppendFsync"] ?? "no",
            // Redis reads the log at its start, and serves no caller meanwhile. It reads what was logged since the last
            // rewrite six times as slowly as what was rewritten.
            "--auto-aof-rewrite-percentage", "50",
            // The units of an evicted hold would stay reserved for ever.
            "--maxmemory-policy", "noeviction",
        ];
        if (!builder.ExecutionContext.IsRunMode) return;
        if (settings.Containers ?? ContainerEngine.IsPresent())
        {
            if (!ContainerEngine.IsPresent())
            {
                RunSettings.Refuse("--containers true needs a container engine, and none was found; "
                    + "ASPIRE_CONTAINER_RUNTIME names one that is somewhere else.");
            }

            builder.OnBeforeStart((start, _) => ContainerEngine.ClaimVolumesOfAsync(start.Model, settings.Fresh));
            return;
        }

        if (LocalServer.FindMissing() is { } missing) RunSettings.Refuse(missing);
        data = new DataFolder(builder, settings);
    }

    /// <summary>Adds Redis.</summary>
    public IResourceBuilder<IResourceWithConnectionString> AddRedis(string name) =>
        managed ? builder.AddManagedStore(name,
            "Redis 7 or later with noeviction for StackExchange.Redis: HOST:6380,ssl=true,password=…")
        : data is not null ? builder.AddRedisProcess(name, data).WithArgs(redisArguments)
        : builder.AddRedis(name).WithImageTag(RedisTag).WithDataVolume(VolumeOf(name)).WithoutHttpsCertificate()
            .WithArgs(AddRedisArguments);

    /// <summary>Adds PostgreSQL with one database.</summary>
    public IResourceBuilder<IResourceWithConnectionString> AddLedger(string name) =>
        managed ? builder.AddManagedStore(name,
            "PostgreSQL 15 or later with wal_level=logical for Npgsql: Host=…;Username=…;Password=…;Database=…")
        : data is not null ? builder.AddPostgresProcess(Postgres, data).WithArgs(PostgresArguments).AddDatabase(name)
        // WithDataVolume mounts where an image of this tag keeps its data, so the tag comes first.
        : builder.AddPostgres(Postgres).WithImageTag(postgresTag).WithDataVolume(VolumeOf(Postgres))
            .WithArgs(PostgresArguments).AddDatabase(name);

    private void AddRedisArguments(CommandLineArgsCallbackContext context)
    {
        // Words of a shell's command line. WithDataVolume adds `--save 60 1`, a copy of the whole memory every minute,
        // which the log makes needless; the last --save wins.
        string[] words = ["--save", "''", .. redisArguments];
        if (context.ExecutionContext.IsPublishMode)
        {
            // The published command is `sh -c "redis-server …"`; arguments after that line would never reach Redis.
            context.Args[^1] = $"{context.Args[^1]} {string.Join(' ', words)}";
        }
        else
        {
            foreach (var word in words) context.Args.Add(word);
        }
    }

    // A published name is the same from every checkout; Aspire makes local names from the checkout's path.
    private string? VolumeOf(string server) =>
        builder.ExecutionContext.IsPublishMode ? $"inventory-{server}" : null;
}
