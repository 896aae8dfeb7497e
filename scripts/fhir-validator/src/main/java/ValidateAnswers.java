import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.ResultSeverityEnum;
import ca.uhn.fhir.validation.SingleValidationMessage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import org.hl7.fhir.r5.utils.validation.constants.BestPracticeWarningLevel;

/** Holds the resources of FOLDER/R4 and FOLDER/R5 against HL7's validator; exits with 1 where one has an error. */
public class ValidateAnswers {
  /** LOINC, DICOM, IEEE, Open mHealth and BALP are not part of FHIR's own definitions. */
  private static final Pattern NOT_HERE = Pattern.compile(
      "CodeSystem is unknown|codeSystem '.*' is not supported|code.*cannot be checked|has not been checked because it could"
          + "|Failed to retrieve profile|CodeSystem.content=not-present");

  public static void main(String[] arguments) throws IOException {
    Path folder = Path.of(arguments[0]);
    int errors = check(folder.resolve("R4"), FhirContext.forR4()) + check(folder.resolve("R5"), FhirContext.forR5());
    System.exit(errors == 0 ? 0 : 1);
  }

  private static int check(Path folder, FhirContext context) throws IOException {
    if (!Files.isDirectory(folder)) {
      System.out.println(folder.getFileName() + ": no answers");
      return 0;
    }
    FhirValidator validator = validatorOf(context);
    TreeMap<String, List<String>> found = new TreeMap<>();
    int errors = 0;
    int notChecked = 0;
    List<Path> files;
    try (var listed = Files.list(folder)) {
      files = listed.filter(file -> file.toString().endsWith(".json")).sorted().toList();
    }
    for (Path file : files) {
      for (SingleValidationMessage message : validator.validateWithResult(Files.readString(file)).getMessages()) {
        if (message.getSeverity() == ResultSeverityEnum.INFORMATION) continue;
        boolean isWarning = message.getSeverity() == ResultSeverityEnum.WARNING;
        if (isWarning && NOT_HERE.matcher(message.getMessage()).find()) {
          notChecked += 1;
          continue;
        }
        if (!isWarning) errors += 1;
        String text = message.getSeverity() + " " + message.getMessage();
        found.computeIfAbsent(text, key -> new ArrayList<>()).add(file.getFileName() + " " + message.getLocationString());
      }
    }
    found.forEach((text, places) -> System.out.println(text + "\n    " + places.size() + " x, first " + places.get(0)));
    System.out.printf(
        "%s: %d answers, %d errors; %d codes and profiles of others not checked%n",
        folder.getFileName(), files.size(), errors, notChecked);
    return errors;
  }

  private static FhirValidator validatorOf(FhirContext context) {
    var support = new ValidationSupportChain(
        new DefaultProfileValidationSupport(context),
        new CommonCodeSystemsTerminologyService(context),
        new InMemoryTerminologyServerValidationSupport(context));
    var instances = new FhirInstanceValidator(support);
    instances.setBestPracticeWarningLevel(BestPracticeWarningLevel.Ignore);
    instances.setErrorForUnknownProfiles(false);
    instances.setAnyExtensionsAllowed(true);
    return context.newValidator().registerValidatorModule(instances);
  }
}
