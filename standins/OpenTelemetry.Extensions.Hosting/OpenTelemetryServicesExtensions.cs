using Microsoft.Extensions.Hosting;
using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Ties the OpenTelemetry SDK's life to the host's.</summary>
public static class OpenTelemetryServicesExtensions
{
    /// <summary>Starts the telemetry providers with the host, before any other hosted service.</summary>
    /// <returns>A builder that says which signals there are.</returns>
    public static OpenTelemetryBuilder AddOpenTelemetry(this IServiceCollection services)
    {
        // First in the list: what the other hosted services do when they start is recorded as well.
        if (!services.Any(service => service.ImplementationType == typeof(TelemetryStart)))
        {
            services.Insert(0, ServiceDescriptor.Singleton<IHostedService, TelemetryStart>());
        }

        return new OpenTelemetryBuilder(services);
    }

    /// <summary>
    /// Creates the providers. Absent: a shutdown. The container disposes of what it created, and a provider
    /// flushes when it is disposed of, after the last hosted service has stopped.
    /// </summary>
    private sealed class TelemetryStart(IServiceProvider services) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            services.GetService<MeterProvider>();
            services.GetService<TracerProvider>();
            services.GetService<LoggerProvider>();
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
