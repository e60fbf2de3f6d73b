using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.Extensions.Options;

namespace Inventory.Gateway.Sessions;

/// <summary>Sessions of shoppers: their cookies, and the keys that all gateways sign these with.</summary>
internal static class SessionsFeature
{
    private const string CertificatesSetting =
        $"{ShopperSessionOptions.Section}:{nameof(ShopperSessionOptions.Certificates)}";

    public static void AddSessions(this IHostApplicationBuilder builder)
    {
        builder.Services.AddValidatedOptions<ShopperSessionOptions>(ShopperSessionOptions.Section);

        // The default name is the content root, but every instance must read the cookies of all others.
        var protection = builder.Services.AddDataProtection().SetApplicationName("Inventory.Gateway");
        var certificates = ReadCertificates(builder.Configuration);
        if (certificates.Length > 0)
        {
            protection.ProtectKeysWithCertificate(certificates[0]).UnprotectKeysWithAnyCertificate(certificates);
        }

        builder.Services.AddSingleton<SessionKeys>();
        builder.Services.AddOptions<KeyManagementOptions>()
            .Configure<SessionKeys>((management, keys) => management.XmlRepository = keys);
        builder.Services.AddSingleton<SessionKeyring>();
        builder.Services.AddHostedService(services => services.GetRequiredService<SessionKeyring>());
        builder.Services.AddSingleton<SessionCookie>();
    }

    private static X509Certificate2[] ReadCertificates(IConfiguration configuration) =>
    [
        .. (configuration.GetSection(CertificatesSetting).Get<string[]>() ?? []).Select(ReadCertificate),
    ];

    private static X509Certificate2 ReadCertificate(string file)
    {
        try
        {
            return X509Certificate2.CreateFromPemFile(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new OptionsValidationException(
                CertificatesSetting, typeof(ShopperSessionOptions),
                [
                    $"{CertificatesSetting}: '{file}' can't be read as a PEM file of a certificate and its key: "
                        + e.Message,
                ]);
        }
    }

    public static void MapSessions(this IEndpointRouteBuilder routes) => ShopperSession.Map(routes);
}
