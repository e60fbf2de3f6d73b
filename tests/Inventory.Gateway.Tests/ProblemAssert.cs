using System.Net;
using System.Text.Json;

namespace Inventory.Gateway.Tests;

/// <summary>Checks the whole form of a problem that the gateway itself creates.</summary>
internal static class ProblemAssert
{
    /// <summary>Asserts status, type, and all other fields that every problem has.</summary>
    public static async Task IsProblemAsync(HttpResponseMessage response, int status, string slug, string instance)
    {
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(status == (int)response.StatusCode, $"{(int)response.StatusCode}: {text}");
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);

        var problem = JsonDocument.Parse(text).RootElement;
        Assert.Equal($"/problems/{slug}", problem.GetProperty("type").GetString());
        Assert.Equal(status, problem.GetProperty("status").GetInt32());
        Assert.Equal(instance, problem.GetProperty("instance").GetString());
        Assert.NotEmpty(problem.GetProperty("title").GetString()!);
        Assert.NotEmpty(problem.GetProperty("detail").GetString()!);
        Assert.NotEmpty(problem.GetProperty("traceId").GetString()!);
        Assert.Equal(
            status is (int)HttpStatusCode.ServiceUnavailable or (int)HttpStatusCode.TooManyRequests,
            response.Headers.RetryAfter is not null);
    }

    /// <summary>Asserts the answer to a shed request.</summary>
    public static async Task IsShedAsync(HttpResponseMessage response)
    {
        var problem = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
        Assert.Equal(503, (int)response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal("/problems/temporary-reduced-capacity", problem.GetProperty("type").GetString());
        Assert.InRange(response.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 4);
    }
}
