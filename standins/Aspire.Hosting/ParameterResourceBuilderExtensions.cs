namespace Aspire.Hosting;

/// <summary>Values that come from outside.</summary>
public static class ParameterResourceBuilderExtensions
{
    /// <summary>Adds a value that configuration must have under Parameters:name.</summary>
    public static IResourceBuilder<ParameterResource> AddParameter(
        this IDistributedApplicationBuilder builder, string name, bool secret = false) =>
        builder.Add(name, secret, null);

    /// <summary>Adds a value that is known.</summary>
    public static IResourceBuilder<ParameterResource> AddParameter(
        this IDistributedApplicationBuilder builder,
        string name,
        string value,
        bool publishValueAsDefault = false,
        bool secret = false) => builder.AddResource(new ParameterResource(name, _ => value, secret));

    /// <summary>Adds a value that is computed when it is first asked for.</summary>
    public static IResourceBuilder<ParameterResource> AddParameter(
        this IDistributedApplicationBuilder builder,
        string name,
        Func<string> valueGetter,
        bool publishValueAsDefault = false,
        bool secret = false) => builder.AddResource(new ParameterResource(name, _ => valueGetter(), secret));

    /// <summary>Adds a value that configuration may have under Parameters:name, with a default.</summary>
    public static IResourceBuilder<ParameterResource> AddParameter(
        this IDistributedApplicationBuilder builder,
        string name,
        ParameterDefault value,
        bool secret = false,
        bool persist = false) => builder.Add(name, secret, value);

    private static IResourceBuilder<ParameterResource> Add(
        this IDistributedApplicationBuilder builder, string name, bool secret, ParameterDefault? value) =>
        builder.AddResource(Create(builder, name, secret, value));

    /// <summary>A parameter that is no resource of its own, such as a server's generated password.</summary>
    internal static ParameterResource Create(
        IDistributedApplicationBuilder builder, string name, bool secret, ParameterDefault? value) =>
        new(
            name,
            otherwise => ValueOf(builder, name)
                ?? otherwise?.GetDefaultValue()
                ?? throw new DistributedApplicationException(
                    $"Parameter '{name}' has no value: set Parameters:{name} in the configuration of the AppHost."),
            secret)
        {
            Default = value,
        };

    private static string? ValueOf(IDistributedApplicationBuilder builder, string name) =>
        builder.Configuration[$"Parameters:{name}"]
            ?? builder.Configuration[$"Parameters:{name.Replace('-', '_')}"];
}
