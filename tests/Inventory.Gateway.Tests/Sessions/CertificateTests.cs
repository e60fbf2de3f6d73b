using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Inventory.Gateway.Tests.Sessions;

/// <summary>With a certificate the keys that sign sessions can't be read from Redis.</summary>
public sealed class CertificateTests : TwoGateways
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("certificates-");

    protected override (string Key, string Value)[] Settings =>
        [("Gateway:Sessions:Certificates:0", Certificate("first"))];

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Every_gateway_with_the_certificate_or_its_successor_knows_the_session()
    {
        var cookie = await CookieAsync();

        Assert.Null((await SendAsync(Other, "POST", "/reserve", cookie: cookie)).SetCookie);
        await using var next = await StartAsync(
            ("Gateway:Sessions:Certificates:0", Certificate("second")),
            ("Gateway:Sessions:Certificates:1", Certificate("first")));
        Assert.Null((await SendAsync(next, "POST", "/reserve", cookie: cookie)).SetCookie);
        await using var stranger = await StartAsync(("Gateway:Sessions:Certificates:0", Certificate("second")));
        Assert.NotNull((await SendAsync(stranger, "POST", "/reserve", cookie: cookie)).SetCookie);
    }

    [Fact]
    public async Task Redis_has_no_key_in_readable_form()
    {
        await CookieAsync();

        await using var redis = await ConnectionMultiplexer.ConnectAsync(Redis.ConnectionString);
        var stored = await redis.GetDatabase().HashGetAllAsync("{gateway}:cookie-keys");

        Assert.NotEmpty(stored);
        Assert.All(stored, key => Assert.Contains("X509Certificate", (string)key.Value!, StringComparison.Ordinal));
        Assert.All(stored, key => Assert.DoesNotContain("<masterKey", (string)key.Value!, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_gateway_does_not_start_without_its_certificate()
    {
        var missing = Path.Combine(folder.FullName, "missing.pem");

        var failure = await Assert.ThrowsAsync<OptionsValidationException>(
            () => StartAsync(("Gateway:Sessions:Certificates:0", missing)));

        Assert.StartsWith(
            $"Gateway:Sessions:Certificates: '{missing}' can't be read", failure.Message, StringComparison.Ordinal);
    }

    /// <summary>The file of a certificate that is made when it is first asked for.</summary>
    private string Certificate(string name)
    {
        var file = Path.Combine(folder.FullName, name + ".pem");
        if (File.Exists(file)) return file;
        using var key = RSA.Create(2048);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        File.WriteAllText(file, certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem() + "\n");
        return file;
    }
}
