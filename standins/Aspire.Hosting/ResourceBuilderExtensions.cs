using System.Globalization;

namespace Aspire.Hosting;

/// <summary>What all kinds of resources can be given: variables, arguments, references, waits, endpoints.</summary>
public static partial class ResourceBuilderExtensions
{
    /// <summary>Sets a variable.</summary>
    public static IResourceBuilder<T> WithEnvironment<T>(
        this IResourceBuilder<T> builder, string name, string? value) where T : IResourceWithEnvironment =>
        builder.WithEnvironment(context => context.EnvironmentVariables[name] = value ?? "");

    /// <summary>Sets a variable to a text with ports or passwords in it.</summary>
    public static IResourceBuilder<T> WithEnvironment<T>(
        this IResourceBuilder<T> builder,
        string name,
        in ReferenceExpression.ExpressionInterpolatedStringHandler value) where T : IResourceWithEnvironment =>
        builder.WithEnvironment(name, ReferenceExpression.Create(value));

    /// <summary>Sets a variable to a text with ports or passwords in it.</summary>
    public static IResourceBuilder<T> WithEnvironment<T>(
        this IResourceBuilder<T> builder, string name, ReferenceExpression value) where T : IResourceWithEnvironment =>
        builder.WithEnvironment(context => context.EnvironmentVariables[name] = value);

    /// <summary>Sets a variable to what a function returns when the process starts.</summary>
    public static IResourceBuilder<T> WithEnvironment<T>(
        this IResourceBuilder<T> builder, string name, Func<string> callback) where T : IResourceWithEnvironment =>
        builder.WithEnvironment(context => context.EnvironmentVariables[name] = callback());

    /// <summary>Sets a variable to an address.</summary>
    public static IResourceBuilder<T> WithEnvironment<T>(
        this IResourceBuilder<T> builder, string name, EndpointReference endpointReference)
        where T : IResourceWithEnvironment =>
        builder.WithEnvironment(context => context.EnvironmentVariables[name] = endpointReference);

    /// <summary>Sets a variable to a parameter's value.</summary>
    public static IResourceBuilder<T> WithEnvironment<T>(
        this IResourceBuilder<T> builder, string name, IResourceBuilder<ParameterResource> parameter)
        where T : IResourceWithEnvironment =>
        builder.WithEnvironment(context => context.EnvironmentVariables[name] = parameter.Resource);

    /// <summary>Sets a variable to a connection string.</summary>
    public static IResourceBuilder<T> WithEnvironment<T>(
        this IResourceBuilder<T> builder, string envVarName, IResourceBuilder<IResourceWithConnectionString> resource)
        where T : IResourceWithEnvironment =>
        builder.WithEnvironment(context => context.EnvironmentVariables[envVarName] = resource.Resource);

    /// <summary>Sets variables when the process starts.</summary>
    public static IResourceBuilder<T> WithEnvironment<T>(
        this IResourceBuilder<T> builder, Action<EnvironmentCallbackContext> callback)
        where T : IResourceWithEnvironment =>
        builder.WithEnvironment(context =>
        {
            callback(context);
            return Task.CompletedTask;
        });

    /// <summary>Sets variables when the process starts.</summary>
    public static IResourceBuilder<T> WithEnvironment<T>(
        this IResourceBuilder<T> builder, Func<EnvironmentCallbackContext, Task> callback)
        where T : IResourceWithEnvironment => builder.WithAnnotation(new EnvironmentCallbackAnnotation(callback));

    /// <summary>Adds arguments.</summary>
    public static IResourceBuilder<T> WithArgs<T>(this IResourceBuilder<T> builder, params string[] args)
        where T : IResourceWithArgs => builder.WithArgs([.. args.Cast<object>()]);

    /// <summary>Adds arguments: strings, endpoints, parameters, expressions.</summary>
    public static IResourceBuilder<T> WithArgs<T>(this IResourceBuilder<T> builder, params object[] args)
        where T : IResourceWithArgs =>
        builder.WithArgs(context => Array.ForEach(args, context.Args.Add));

    /// <summary>Adds arguments when the process starts.</summary>
    public static IResourceBuilder<T> WithArgs<T>(
        this IResourceBuilder<T> builder, Action<CommandLineArgsCallbackContext> callback)
        where T : IResourceWithArgs =>
        builder.WithArgs(context =>
        {
            callback(context);
            return Task.CompletedTask;
        });

    /// <summary>Adds arguments when the process starts.</summary>
    public static IResourceBuilder<T> WithArgs<T>(
        this IResourceBuilder<T> builder, Func<CommandLineArgsCallbackContext, Task> callback)
        where T : IResourceWithArgs => builder.WithAnnotation(new CommandLineArgsCallbackAnnotation(callback));

    /// <summary>
    /// Gives a project a connection string as ConnectionStrings__name, and its parts as NAME_HOST, NAME_PORT and so on.
    /// Does not wait for it.
    /// </summary>
    /// <param name="builder">The project.</param>
    /// <param name="source">The server or database.</param>
    /// <param name="connectionName">The name, when it is not the resource's.</param>
    /// <param name="optional">Whether a missing connection string is left out.</param>
    public static IResourceBuilder<T> WithReference<T>(
        this IResourceBuilder<T> builder,
        IResourceBuilder<IResourceWithConnectionString> source,
        string? connectionName = null,
        bool optional = false) where T : IResourceWithEnvironment
    {
        var resource = source.Resource;
        var name = connectionName ?? resource.Name;
        return builder.WithAnnotation(new ReferenceAnnotation(resource)).WithEnvironment(async context =>
        {
            var value = await resource.GetConnectionStringAsync(context.CancellationToken).ConfigureAwait(false);
            if (string.IsNullOrEmpty(value))
            {
                if (!optional)
                {
                    throw new DistributedApplicationException($"'{resource.Name}' has no connection string.");
                }

                return;
            }

            var variable = resource.ConnectionStringEnvironmentVariable ?? $"ConnectionStrings__{name}";
            context.EnvironmentVariables[variable] = value;
            foreach (var (part, expression) in resource.GetConnectionProperties())
            {
                context.EnvironmentVariables[$"{VariableName(name)}_{part.ToUpperInvariant()}"] = expression;
            }
        });
    }

    /// <summary>
    /// Gives a project the addresses of another: services__name__http__0 and one more for each further replica, and
    /// NAME_HTTP with the first replica's. Does not wait for it.
    /// </summary>
    public static IResourceBuilder<T> WithReference<T>(
        this IResourceBuilder<T> builder, IResourceBuilder<IResourceWithServiceDiscovery> source)
        where T : IResourceWithEnvironment => builder.WithReference(source, source.Resource.Name);

    /// <summary>Gives a project the addresses of another under a name.</summary>
    public static IResourceBuilder<T> WithReference<T>(
        this IResourceBuilder<T> builder, IResourceBuilder<IResourceWithServiceDiscovery> source, string name)
        where T : IResourceWithEnvironment =>
        builder.WithAnnotation(new ReferenceAnnotation(source.Resource)).WithEnvironment(context =>
        {
            foreach (var endpoint in source.Resource.Annotations.OfType<EndpointAnnotation>())
            {
                AddDiscovery(context, name, new EndpointReference(source.Resource, endpoint.Name));
            }
        });

    /// <summary>Gives a project one address of another.</summary>
    public static IResourceBuilder<T> WithReference<T>(
        this IResourceBuilder<T> builder, EndpointReference endpointReference) where T : IResourceWithEnvironment =>
        builder.WithAnnotation(new ReferenceAnnotation(endpointReference.Resource)).WithEnvironment(
            context => AddDiscovery(context, endpointReference.Resource.Name, endpointReference));

    /// <summary>Gives a project an address outside the application.</summary>
    public static IResourceBuilder<T> WithReference<T>(this IResourceBuilder<T> builder, string name, Uri uri)
        where T : IResourceWithEnvironment => builder.WithEnvironment($"services__{name}__default__0", uri.ToString());

    private static void AddDiscovery(EnvironmentCallbackContext context, string name, EndpointReference endpoint)
    {
        var ports = endpoint.Annotation.ReplicaPorts;
        for (var replica = 0; replica < ports.Count; replica++)
        {
            var key = string.Create(
                CultureInfo.InvariantCulture, $"services__{name}__{endpoint.EndpointName}__{replica}");
            context.EnvironmentVariables[key] = endpoint.UrlOf(ports[replica]);
        }

        context.EnvironmentVariables[$"{VariableName(name)}_{VariableName(endpoint.EndpointName)}"] = endpoint;
    }

    private static string VariableName(string name)
    {
        var letters = string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) ? char.ToUpperInvariant(c) : '_'));
        return char.IsAsciiDigit(letters[0]) ? $"_{letters}" : letters;
    }
}
