using Inventory.ServiceDefaults.Draining;

namespace Inventory.AppHost.Tests;

/// <summary>Templates add what a manifest can't express, and must agree with the manifest otherwise.</summary>
public sealed class TemplateTests
{
    public static TheoryData<string> Templated => [.. Template.All.Select(template => template.Name)];

    [Fact]
    public void The_gateway_and_the_API_have_templates() =>
        Assert.Equal(["gateway", "reservation-api"], Template.All.Select(template => template.Name));

    [Theory, MemberData(nameof(Templated))]
    public async Task A_template_names_every_variable_of_the_manifest_with_its_value(string service)
    {
        var manifest = await Manifest.WithStoresAsync(Manifest.Managed);
        var expressions = new Expressions(manifest, Template.ValueOf, Template.Domain);
        var published = manifest.EnvironmentOf(service)
            .ToDictionary(each => each.Key, each => expressions.Resolve(each.Value));
        var template = Template.Read(service).Environment;

        var difference = LineDifference.Between(
            Lines(published.Select(each => (each.Key, each.Value))),
            Lines(template.Select(each => (each.Key, each.Value.Value))));
        Assert.True(difference.Length == 0, $"The manifest (-) and {service}.tmpl.yaml (+) differ:\n{difference}");
        // Secret parameters, and no other values, are kept as secrets.
        Assert.Equal(
            published.Where(each => each.Value.Contains(Template.ValueOf(""), StringComparison.Ordinal))
                .Select(each => each.Key).Order(StringComparer.Ordinal),
            template.Where(each => each.Value.IsSecret).Select(each => each.Key).Order(StringComparer.Ordinal));
    }

    [Theory, MemberData(nameof(Templated))]
    public async Task A_template_is_the_app_that_azd_deploys(string service)
    {
        var manifest = await Manifest.WithStoresAsync(Manifest.Managed);
        var template = Template.Read(service);
        var isExternal = manifest.Find(service)!["bindings"]!["http"]!["external"]?.GetValue<bool>() ?? false;

        Assert.Equal(service, template.At("tags.azd-service-name"));
        Assert.Equal(isExternal ? "true" : "false", template.At("properties.configuration.ingress.external"));
        // Services call each other by http, which the ingress would redirect if it were not allowed.
        Assert.Equal(isExternal ? "false" : "true", template.At("properties.configuration.ingress.allowInsecure"));
        Assert.Equal(Expressions.ContainerPort, template.At("properties.configuration.ingress.targetPort"));
    }

    [Theory, MemberData(nameof(Templated))]
    public void A_failing_alive_probe_restarts_a_replica_and_a_failing_ready_probe_stops_its_traffic(string service)
    {
        var probes = Template.Read(service).Probes;

        Assert.Equal(
            [("Liveness", "/alive"), ("Readiness", "/ready"), ("Startup", "/alive")],
            probes.Select(probe => (probe.Key, probe.Value.Path)).Order());
        Assert.All(probes.Values, probe =>
        {
            Assert.Equal(Expressions.ContainerPort, probe.Port);
            // The limits of Container Apps.
            Assert.InRange(probe.PeriodSeconds, 1, 240);
            Assert.InRange(probe.FailureThreshold, 1, 10);
        });
    }

    [Theory, MemberData(nameof(Templated))]
    public void A_stopping_replica_loses_traffic_before_it_refuses_and_is_killed_after_it_has_finished(string service)
    {
        var leave = new DrainingOptions();
        var template = Template.Read(service);
        var ready = template.Probes["Readiness"];
        var grace = TimeSpan.FromSeconds(int.Parse(template.At("properties.template.terminationGracePeriodSeconds")));

        Assert.True(TimeSpan.FromSeconds(ready.PeriodSeconds * ready.FailureThreshold) < leave.Delay);
        Assert.True(leave.Delay + leave.Patience < grace);
    }

    [Theory, MemberData(nameof(Templated))]
    public void There_are_at_least_two_replicas_and_processor_use_adds_more(string service)
    {
        var template = Template.Read(service);

        Assert.Equal("2", template.At("properties.template.scale.minReplicas"));
        Assert.True(int.Parse(template.At("properties.template.scale.maxReplicas")) > 2);
        Assert.Equal(["cpu"], template.ScaleRules);
    }

    private static string Lines(IEnumerable<(string Name, string Value)> variables) =>
        string.Join('\n', variables.Select(each => $"{each.Name}={each.Value}").Order(StringComparer.Ordinal));
}
