using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Inventory.Contracts;
using Inventory.Identity;

namespace Inventory.AppHost.Operations;

/// <summary>
/// Sends an operator's requests through the product's gateway with the administrator's demo key. A command does nothing
/// that a person with the key couldn't do by <c>curl</c>.
/// </summary>
/// <param name="gateway">The gateway's endpoint.</param>
internal sealed class OperatorApi(EndpointReference gateway)
{
    private static readonly HttpClient Client = new();

    /// <summary>Sends a command.</summary>
    /// <returns>The answer.</returns>
    /// <exception cref="OperationRefusedException">
    /// The API refused, or the gateway is unavailable; the message says why.
    /// </exception>
    public Task<JsonNode> PostAsync(string path, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, path, cancellationToken);

    /// <summary>Sends a query.</summary>
    /// <inheritdoc cref="PostAsync"/>
    public Task<JsonNode> GetAsync(string path, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Get, path, cancellationToken);

    private async Task<JsonNode> SendAsync(HttpMethod method, string path, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, new Uri(new Uri(gateway.Url), path));
        request.Headers.Add(InventoryHeaders.ApiKey, DemoKeys.Admin);
        try
        {
            using var response = await Client.SendAsync(request, cancellationToken);
            var answer = await response.Content.ReadFromJsonAsync<JsonNode>(cancellationToken) ?? new JsonObject();
            return response.IsSuccessStatusCode ? answer
                : throw new OperationRefusedException(Explain(response.StatusCode, answer));
        }
        catch (HttpRequestException failure)
        {
            throw new OperationRefusedException($"The gateway does not answer: {failure.Message}");
        }
    }

    // Problem details, RFC 9457; a refused field has its rule below "errors".
    private static string Explain(HttpStatusCode status, JsonNode problem)
    {
        var rules = problem["errors"]?.AsObject()
            .SelectMany(field => field.Value!.AsArray().Select(rule => $"{field.Key} {rule}")) ?? [];
        return string.Join(' ', [$"{(int)status} {problem["title"]}.", $"{problem["detail"]}", .. rules]).Trim();
    }
}

/// <summary>The product refused what an operator asked for, and said why.</summary>
internal sealed class OperationRefusedException(string reason) : Exception(reason);
