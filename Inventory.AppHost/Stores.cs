using Inventory.AppHost.LocalServers;

namespace Inventory.AppHost;

/// <summary>
/// Redis and PostgreSQL: in containers where a container engine is, and as processes of this machine where none is.
/// A deployment brings its own, unless it asks for containers: <see cref="Publishing"/>.
/// </summary>
internal sealed class Stores
{
    // Versions that were tested; an image that moves by itself would be another server overnight.
    private const string RedisTag = "8.6";
    private const string PostgresTag = "18.3";
    private const string Postgres = "postgres";

    private static readonly string[] PostgresArguments =
    [
        // Change capture reads the log, so that a total changed by plain SQL reaches Redis; and a worker that is away
        // must not fill the disk with it.
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
            // What was logged since the last rewrite is read six times as slowly as what was rewritten, while Redis
            // serves no caller.
            "--auto-aof-rewrite-percentage", "50",
            // A key that vanishes by itself can't give its units back.
            "--maxmemory-policy", "noeviction",
        ];
        if (!builder.ExecutionContext.IsRunMode) return;
        if (settings.Containers ?? ContainerEngine.IsPresent())
        {
            if (settings.Fresh) builder.OnBeforeStart((start, _) => ContainerEngine.RemoveVolumesOfAsync(start.Model));
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
        // Words of a shell's command line. The volume brings `--save 60 1`, a copy of the whole memory every minute, of
        // what the log already has; the last one wins.
        string[] words = ["--save", "''", .. redisArguments];
        if (context.ExecutionContext.IsPublishMode)
        {
            // What is published is `sh -c "redis-server …"`; arguments after that line would never reach Redis.
            context.Args[^1] = $"{context.Args[^1]} {string.Join(' ', words)}";
        }
        else
        {
            foreach (var word in words) context.Args.Add(word);
        }
    }

    // A published name is the same from every checkout; local ones are made from the checkout's path.
    private string? VolumeOf(string server) =>
        builder.ExecutionContext.IsPublishMode ? $"inventory-{server}" : null;
}
