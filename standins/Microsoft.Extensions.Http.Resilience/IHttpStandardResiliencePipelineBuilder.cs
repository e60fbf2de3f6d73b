using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.Extensions.Http.Resilience;

/// <summary>Configures a client's standard pipeline further.</summary>
public interface IHttpStandardResiliencePipelineBuilder
{
    /// <summary>The pipeline's name: the client's, then <c>-standard</c>.</summary>
    string PipelineName { get; }

    /// <summary>The host's services.</summary>
    IServiceCollection Services { get; }
}
