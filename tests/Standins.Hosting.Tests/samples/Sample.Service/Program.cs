using System.Collections;

var app = WebApplication.CreateBuilder(args).Build();

app.MapGet("/health", () => "healthy");
app.MapGet("/arguments", () => args);
app.MapGet("/folder", () => Directory.GetCurrentDirectory());
app.MapGet("/environment", () => Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
    .ToDictionary(variable => (string)variable.Key, variable => (string?)variable.Value));
app.MapPost("/crash", void () => Environment.Exit(3));

app.Run();
